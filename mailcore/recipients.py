"""Addresses somebody typed or we send to: strict grammar, IDN domains, lists. Reading is `addresses`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mailcore.errors import InvalidDraft
from mailcore.messages import Mailbox

_ATOM = r"[^\s()<>\[\]:;@\\,.\"\x00-\x20\x7f-\xa0]+"  # RFC 5322 atext, and RFC 6531's non-ASCII
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"')
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-fA-F:.]+)\]")
_DOTS = str.maketrans("。．｡", "...")


@lru_cache(1024)
def split_address(address: str) -> tuple[str, str] | None:
    """(local part, domain in ASCII and lower case), or None if it is no address (RFC 5321, 6531)."""
    local, at, domain = address.rpartition("@")
    ascii_name = ascii_domain(domain)
    if not at or ascii_name is None or not _LOCAL.fullmatch(local):
        return None
    if len(local.encode("utf-8", "replace")) > 64 or len(local) + len(ascii_name) > 253:
        return None
    return unicodedata.normalize("NFC", local), ascii_name


def ascii_domain(domain: str) -> str | None:
    """The domain as the DNS knows it (IDNA 2008: straße.de is not strasse.de), or None."""
    if _LITERAL.fullmatch(domain):
        return domain
    name = unicodedata.normalize("NFKC", domain.translate(_DOTS)).lower()
    labels = [_ascii_label(label) for label in name.split(".")]
    known = [label for label in labels if label is not None]
    return ".".join(known) if len(known) == len(labels) else None


def needs_smtputf8(address: str) -> bool:
    """Only servers that offer SMTPUTF8 can take it: the part before the @ is not ASCII."""
    return not address.rpartition("@")[0].isascii()


def parse_recipients(text: str) -> tuple[Mailbox, ...]:
    """Addresses as people type or paste them: by comma, semicolon or line; with names or without.

    `Müller, Hans <hans@x.de>` is one. Each address once; domains in ASCII and lower case. Raises
    InvalidDraft(field=the bad entry, reason="bad-address").
    """
    found: dict[str, Mailbox] = {}
    waiting = ""  # „Müller," in front of „Hans <…>"
    for entry, separator in _entries(text):
        if waiting and "@" in entry and "<" not in entry:
            raise InvalidDraft(waiting.strip(" ,"), "bad-address")
        mailbox = _mailbox(waiting + entry)
        if mailbox is None:
            if "@" in waiting + entry or separator != ",":
                raise InvalidDraft((waiting + entry).strip(), "bad-address")
            waiting += entry + ", "
            continue
        waiting = ""
        found.setdefault(mailbox.email, mailbox)
    if waiting:
        raise InvalidDraft(waiting.strip(" ,"), "bad-address")
    return tuple(found.values())


def _ascii_label(label: str) -> str | None:
    if not label.isascii():
        if not all(c in "-_" or unicodedata.category(c)[0] in "LMN" for c in label):
            return None
        label = "xn--" + label.encode("punycode").decode("ascii")
    return label if _LABEL.fullmatch(label) else None


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """(entry, the separator behind it), cut outside quotes, comments and angle brackets only."""
    entry, closing = "", ""
    characters = iter(text)
    for character in characters:
        if closing:
            entry += character
            if character == "\\":
                entry += next(characters, "")
            elif character == closing:
                closing = ""
        elif character in ",;\r\n":
            if entry.strip():
                yield entry.strip(), character
            entry = ""
        else:
            entry += character
            closing = {'"': '"', "(": ")", "<": ">"}.get(character, "")
    if entry.strip():
        yield entry.strip(), ""


_NAMED = re.compile(r"(?P<name>[^<>]*)<\s*(?:mailto:)?(?P<email>[^<>]*?)\s*>", re.IGNORECASE)
_COMMENTED = re.compile(r"(?P<email>[^()\s]+)\s*\((?P<name>[^()]*)\)")


def _mailbox(entry: str) -> Mailbox | None:
    match = _NAMED.fullmatch(entry) or _COMMENTED.fullmatch(entry)
    name, email = (match["name"], match["email"]) if match else ("", entry)
    if not match and email.lower().startswith("mailto:"):
        email = email[len("mailto:") :]
    parts = split_address(email)
    return Mailbox(_unquoted(name), f"{parts[0]}@{parts[1]}") if parts else None


def _unquoted(name: str) -> str:
    name = " ".join(name.split())
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
