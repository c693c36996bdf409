"""Which conversation a message belongs to: signed Message-IDs, references, subjects, ticket hooks."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence

from mailcore.messages import ParsedMessage

_DIGEST_CHARACTERS = 24  # 96 bits, hexadecimal
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_OWN_ID = re.compile(r"([A-Za-z0-9_-]{1,100})\.([0-9a-fA-F]{24})@([^@\s<>]{1,255})")
_SAFE_ID = re.compile(r"[^\s<>\x00-\x1f\x7f]+")
_PREFIXES = re.compile(
    r"(?:\s*+(?:re|aw|antw|antwort|fwd|fw|wg|sv|vs|odp|rv|tr|r)"
    r"\s{0,3}(?:\[\s?\d{1,4}\s?\]|\(\d{1,4}\)|\^?\d{1,4})?\s{0,3}[:\uff1a])+",
    re.IGNORECASE,
)
_HOOKS = (
    re.compile(r"\[\s?ticket\s?[#:]?\s?(\d{1,18})\s?\]", re.IGNORECASE),
    re.compile(r"\bticket(?:-?nr\.?|nummer)?[:\s]{0,3}#\s?(\d{1,18})(?!\w)", re.IGNORECASE),
    re.compile(r"(?<![\w#&/])#(\d{1,18})(?!\w)"),
)
_REFERENCES_BYTES = 1500
_LINE_BYTES = 998  # RFC 5322, 2.1.1


def new_message_id(domain: str, *, keys: Sequence[bytes], token: str) -> str:
    """A Message-ID without brackets that proves it is ours; signed with the first key.

    Raises ValueError for a token that is not made of letters, digits, `_` and `-`.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError("token")
    domain = domain.lower()
    return f"{token}.{_sign(keys[0], token, domain)}@{domain}"


def read_own_message_id(message_id: str, *, keys: Sequence[bytes]) -> str | None:
    """The token of a Message-ID that one of the keys has signed, else None."""
    found = _OWN_ID.fullmatch(message_id.strip().strip("<>"))
    if not found:
        return None
    token, digest, domain = found.groups()
    # Every key is compared, in constant time: the answer's duration tells nothing.
    matches = [
        hmac.compare_digest(_sign(key, token, domain.lower()), digest.lower()) for key in keys
    ]
    return token if any(matches) else None


def _sign(key: bytes, token: str, domain: str) -> str:
    signed = f"message-id\0{token}\0{domain}".encode()
    return hmac.new(key, signed, "sha256").hexdigest()[:_DIGEST_CHARACTERS]


def normalise_subject(subject: str) -> str:
    """The subject without its reply and forward prefixes, blanks collapsed; case is kept."""
    found = _PREFIXES.match(subject)
    return " ".join((subject[found.end() :] if found else subject).split())


def reply_subject(subject: str, number: int | str) -> str:
    """`Re: [Ticket#N] subject`, whatever prefixes and hooks of this ticket stood there before."""
    own_hook = re.compile(rf"\[\s?ticket\s?[#:]?\s?{re.escape(str(number))}\s?\]", re.IGNORECASE)
    rest = normalise_subject(subject)
    while True:
        shorter = normalise_subject(own_hook.sub(" ", rest))
        if shorter == rest:
            return f"Re: [Ticket#{number}] {rest}".rstrip()
        rest = shorter


def find_ticket_hooks(subject: str) -> tuple[str, ...]:
    """The ticket numbers a subject names, the surest form first; each once."""
    subject = subject[:2000]
    found = (match.group(1) for hook in _HOOKS for match in hook.finditer(subject))
    return tuple(dict.fromkeys(found))


def trim_references(
    ids: Iterable[str], *, total_bytes: int = _REFERENCES_BYTES, line_bytes: int = _LINE_BYTES
) -> tuple[str, ...]:
    """The first id and as many of the last ones as fit, brackets and blanks counted.

    Ids that fit on no line of their own, or that would break the header, are left out.
    """
    unique = [
        one_id
        for one_id in dict.fromkeys(ids)
        if _SAFE_ID.fullmatch(one_id) and _size(one_id) <= line_bytes
    ]
    if not unique:
        return ()
    first, *others = unique
    kept: list[str] = []
    room = total_bytes - _size(first)
    for one_id in reversed(others):
        room -= _size(one_id)
        if room < 0:
            break
        kept.append(one_id)
    return (first, *reversed(kept))


def _size(one_id: str) -> int:
    return len(one_id.encode("utf-8", "replace")) + 3  # brackets and a blank


def candidate_ids(message: ParsedMessage) -> tuple[str, ...]:
    """The ids a message may answer, nearest first: In-Reply-To, then References from the right."""
    return tuple(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))
