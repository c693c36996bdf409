"""Reads what a bounce says: which message, which recipients, why (RFC 3464 and free form)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailcore.addresses import parse_addresses
from mailcore.charsets import one_line
from mailcore.delivery_notices import (
    REASON,
    has_bounce_subject,
    is_bounce_sender,
    is_null_sender,
    judge_delivery,
    read_delivery_notice,
)
from mailcore.encoded_words import decode_bytes, decode_header
from mailcore.header_block import split_fields, split_header
from mailcore.message_ids import parse_ids
from mailcore.messages import ParsedMessage
from mailcore.mime import Part, iterate_leaves, read_tree

_ENCLOSED = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    }
)
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_BLANK_LINES = re.compile(rb"\n(?:[ \t]*\r*\n)+")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.:-])([45]\d\d)(?=[ -][^\d])")
_FOLLOWING = re.compile(
    r"(?:following (?:recipient|address|user|destination)|recipient\(s\)|address(?:es)? failed"
    r"|folgende[nr]? (?:empfänger|adress))[^\n]{0,80}",
    re.IGNORECASE,
)
_TYPED_ADDRESS = re.compile(r".*(?:smtp|rfc822)[=;:]", re.IGNORECASE)
_ADDRESS = re.compile(
    r"<?([A-Za-z0-9._%+'=/-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})>?"
)
_ID_LINE = re.compile(
    r"^[>\s]{0,10}message-id\s*:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
_ORIGINAL_BELOW = re.compile(
    r"^[- ]*(?:this is a copy of|below this line|original message|ursprüngliche nachricht"
    r"|returned message|undelivered message|message headers follow)[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_ACTIONS = frozenset({"", "failed", "delayed", "delivered", "relayed", "expanded"})
_TEXT_WINDOW = 50_000  # characters of a free-form bounce that are looked at
_REPORT_WINDOW = 200_000  # bytes of a delivery report that are looked at
_RECIPIENT_LIMIT = 200
_LONGEST_DIAGNOSTIC = 1000
_LONGEST_ADDRESS = 320


@dataclass(frozen=True, slots=True)
class BounceRecipient:
    """One recipient's fate. `action` as in RFC 3464: failed, delayed, delivered, relayed, expanded."""

    address: str
    action: str
    status: str  # enhanced status code, "" if none is given
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """`kind` is failed, delayed or delivered; only `failed` is a bounce in the narrow sense."""

    kind: str
    original_message_ids: tuple[str, ...]  # surest first, without brackets
    envelope_id: str
    recipients: tuple[BounceRecipient, ...]


def read_bounce(raw: bytes, message: ParsedMessage) -> Bounce | None:
    """What a delivery report says, or None for a message that is none. Never raises."""
    leaves = list(iterate_leaves(read_tree(raw).root))
    reports = [leaf for leaf in leaves if leaf.content_type in _STATUS_TYPES]
    if reports:
        return _read_reports(leaves, reports, message)
    return _read_free_form(leaves, message)


def _read_reports(leaves: list[Part], reports: list[Part], message: ParsedMessage) -> Bounce:
    envelope_id = ""
    recipients: list[BounceRecipient] = []
    original: list[str] = []
    for report in reports:
        for fields in _read_groups(report.decode()[0][:_REPORT_WINDOW]):
            envelope_id = envelope_id or fields.get("original-envelope-id", "")
            original.extend(parse_ids(fields.get("x-microsoft-original-message-id", "")))
            original.extend(parse_ids(fields.get("x-original-message-id", "")))
            recipient = _read_recipient(fields)
            if recipient and len(recipients) < _RECIPIENT_LIMIT:
                recipients.append(recipient)
    actions = tuple(one.action for one in recipients if one.action)
    ids = (*_enclosed_ids(leaves), *original, *_header_ids(message), *_ids_in_text(message))
    kind = judge_delivery(actions, message.subject)
    if not recipients:
        recipients = _recipients_told(message, kind)
    return Bounce(kind, tuple(dict.fromkeys(ids)), envelope_id, tuple(recipients))


def _read_groups(data: bytes) -> Iterator[dict[str, str]]:
    """The field groups of a report, separated by blank lines; the first value of a name counts."""
    for block in _BLANK_LINES.split(data.strip()):
        fields: dict[str, str] = {}
        for name, value in split_fields(block):
            fields.setdefault(name.lower(), decode_header(value))
        if fields:
            yield fields


def _read_recipient(fields: dict[str, str]) -> BounceRecipient | None:
    typed = [fields[name] for name in ("final-recipient", "original-recipient") if fields.get(name)]
    if not typed:
        return None
    addresses = [one.rpartition(";")[2] for one in typed]
    emails = [one.email for address in addresses for one in parse_addresses(address)]
    # A final recipient may be an X.400 name or that of a program; the original one is ours.
    email = next((one for one in emails if "." in one.rpartition("@")[2]), "")
    email = email or next(filter(None, emails), addresses[0].strip())[:_LONGEST_ADDRESS]
    diagnostic = fields.get("diagnostic-code", "")
    diagnostic = diagnostic.partition(";")[2].strip() or diagnostic
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    action = fields.get("action", "").split("(", 1)[0].strip().lower()
    return BounceRecipient(
        email,
        judge_delivery((action,), "") if action not in _ACTIONS else action,
        status.group(1) if status else "",
        diagnostic[:_LONGEST_DIAGNOSTIC],
    )


def _enclosed_ids(leaves: list[Part]) -> Iterator[str]:
    for leaf in leaves:
        if leaf.content_type in _ENCLOSED:
            data = leaf.decode()[0]
            block = split_header(data, 0, len(data))
            for name, value in block.fields:
                if name.lower() == "message-id":
                    yield from parse_ids(decode_bytes(value))


def _header_ids(message: ParsedMessage) -> Iterator[str]:
    for name in ("X-Microsoft-Original-Message-ID", "X-Original-Message-ID"):
        for value in message.header_all(name):
            yield from parse_ids(value)


def _ids_in_text(message: ParsedMessage) -> Iterator[str]:
    for found in _ID_LINE.findall(message.text[:_TEXT_WINDOW]):
        yield from parse_ids(found)


def _read_free_form(leaves: list[Part], message: ParsedMessage) -> Bounce | None:
    """A bounce without a machine-readable part; two independent signals besides its text."""
    is_sender, is_subject = is_bounce_sender(message), has_bounce_subject(message)
    failed = [
        one for value in message.header_all("X-Failed-Recipients") for one in parse_addresses(value)
    ]
    told = _told_part(message.text[:_TEXT_WINDOW])
    has_reason = bool(REASON.search(told) or _STATUS.search(told) or _REPLY_CODE.search(told))
    signals = sum((is_sender, is_subject, is_null_sender(message), has_reason))
    if signals < 3 and not read_delivery_notice(message):
        return None
    kind = judge_delivery((), message.subject)
    recipients = _recipients_told(message, kind, [one.email for one in failed if one.email])
    ids = (*_enclosed_ids(leaves), *_header_ids(message), *_ids_in_text(message))
    return Bounce(kind, tuple(dict.fromkeys(ids)), "", tuple(recipients))


def _recipients_told(
    message: ParsedMessage, kind: str, addresses: Sequence[str] = ()
) -> list[BounceRecipient]:
    """The recipients the server names in its own words, with the reason that stands by each."""
    told = _told_part(message.text[:_TEXT_WINDOW])
    found = addresses or _addresses_in(told, message)
    lower, status = told.lower(), _STATUS.search(told)
    return [
        BounceRecipient(address, kind, *_reason_near(told, lower.find(address.lower()), status))
        for address in found[:_RECIPIENT_LIMIT]
    ]


def _told_part(text: str) -> str:
    """The server's own words, without the returned message below them."""
    found = _ORIGINAL_BELOW.search(text)
    return text[: found.start()] if found else text


def _addresses_in(told: str, message: ParsedMessage) -> list[str]:
    own = {one.email.lower() for one in (*message.to, *message.from_)}
    listed = _FOLLOWING.search(told)
    if listed and _ADDRESS.search(told, listed.end()):
        told = told[listed.end() :]
    matches = (_TYPED_ADDRESS.sub("", match) for match in _ADDRESS.findall(told))
    found = dict.fromkeys(match.lower() for match in matches)
    return [
        one
        for one in found
        if one not in own and not one.startswith(("postmaster@", "mailer-daemon@"))
    ]


def _reason_near(told: str, at: int, status: re.Match[str] | None) -> tuple[str, str]:
    """What stands there, or at the beginning; the text's first status where none does."""
    near = told[at : at + 1500] if at >= 0 else told[:1500]
    status = _STATUS.search(near) or status
    lines = [line.strip() for line in near.splitlines() if line.strip()]
    telling = (line for line in lines if REASON.search(line) or _REPLY_CODE.search(line))
    diagnostic = next(telling, (lines[1:2] or [""])[0])
    return (status.group(1) if status else ""), one_line(diagnostic)[:_LONGEST_DIAGNOSTIC]
