"""From a draft to the bytes that are sent, filed and archived."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

from mailcore.errors import InvalidDraft
from mailcore.header_writing import (
    address_header,
    bare_id,
    checked,
    ids_header,
    text_header,
    token_header,
)
from mailcore.messages import Draft, FilePart
from mailcore.mime_writing import file_part, multipart, text_part
from mailcore.recipients import needs_smtputf8, parse_recipients, split_address

__all__ = ["build", "needs_smtputf8", "parse_recipients"]

_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
# Made from the draft's own fields; Bcc is in the envelope only.
_OWN_HEADERS = {
    *("from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id"),
    *("in-reply-to", "references", "mime-version", "resent-bcc", "return-path", "received"),
}


def build(draft: Draft) -> bytes:
    """The message: CRLF, lines of at most 998 bytes, ASCII except for addresses that are not.

    Raises InvalidDraft; its `field` is the draft's field or the further header's name. Reasons:
    "line-break", "bad-address", "no-recipient", "bad-value", "reserved-header".
    """
    header = b"".join((*_header(draft), b"MIME-Version: 1.0\r\n"))
    return header + _body(draft)


def _header(draft: Draft) -> list[bytes]:
    if not draft.to and not draft.cc:
        raise InvalidDraft("to", "no-recipient")
    lines = [address_header("From", [draft.from_])]
    for name, mailboxes in (("Reply-To", draft.reply_to), ("To", draft.to), ("Cc", draft.cc)):
        if mailboxes:
            lines.append(address_header(name, mailboxes))
    lines.append(text_header("Subject", draft.subject))
    lines.append(_date(draft.date))
    lines.append(f"Message-ID: <{_message_id(draft)}>\r\n".encode())
    if draft.in_reply_to:
        lines.append(ids_header("In-Reply-To", [draft.in_reply_to]))
    lines.append(ids_header("References", draft.references))
    lines.extend(_further(name, value) for name, value in draft.headers)
    return lines


def _date(date: datetime | None) -> bytes:
    moment = date or datetime.now(UTC)
    if moment.tzinfo is None:
        raise InvalidDraft("date", "bad-value")
    return f"Date: {format_datetime(moment)}\r\n".encode()


def _message_id(draft: Draft) -> str:
    if not draft.message_id:
        _local, domain = split_address(draft.from_.email) or ("", "localhost")
        return f"{secrets.token_hex(16)}@{domain}"
    message_id = bare_id(checked("message_id", draft.message_id))
    if not message_id:
        raise InvalidDraft("message_id", "bad-value")
    return message_id


def _further(name: str, value: str) -> bytes:
    checked("headers", name)
    if not _HEADER_NAME.fullmatch(name):
        raise InvalidDraft(name, "bad-value")
    if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
        raise InvalidDraft(name, "reserved-header")
    return token_header(name, value) if value.isascii() else text_header(name, value)


def _body(draft: Draft) -> bytes:
    """mixed( alternative( text, related( html, pictures ) ), files ), as far as there are any."""
    pictures = [file for file in draft.files if file.content_id and draft.html]
    files = [file for file in draft.files if file not in pictures]
    alternatives = []
    if draft.text or not draft.html:
        alternatives.append(text_part(draft.text, "plain"))
    if draft.html:
        html = text_part(draft.html, "html")
        related = [html, *(file_part(picture, inline=True) for picture in pictures)]
        alternatives.append(multipart("related", related))
    return multipart("mixed", [multipart("alternative", alternatives), *_attached(files)])


def _attached(files: list[FilePart]) -> list[bytes]:
    return [file_part(file) for file in files]
