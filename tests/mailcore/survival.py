"""Reads a mail in every way the intake does and asserts that the result can be stored."""

from __future__ import annotations

from mailcore.automatic import classify, find_foreign_reply_to, read_bounce
from mailcore.html_body import clean_html
from mailcore.html_bounds import simplify
from mailcore.html_filter import Findings
from mailcore.html_text import html_to_text
from mailcore.messages import Mailbox, ParsedMessage
from mailcore.parse import parse, read_part
from mailcore.quotes import split_quoted
from mailcore.threading import (
    candidate_ids,
    find_ticket_hooks,
    normalise_subject,
    read_own_message_id,
    reply_subject,
    trim_references,
)

OWN = frozenset({"service@firma.example"})
_KEY = b"k" * 32
_CLEANED = 500  # characters of HTML that are cleaned as well; bleach is slow


def survive(raw: bytes) -> ParsedMessage:
    """Raises AssertionError where the result breaks a promise, else hands it back."""
    message = parse(raw)
    _check(raw, message)
    classify(message, own_addresses=OWN)
    find_foreign_reply_to(message, OWN)
    _check_bounce(raw, message)
    assert "".join(split_quoted(message.text)) == message.text
    _check_threading(message)
    assert_storable(html_to_text(message.html or message.text))
    assert_storable(simplify(message.html, Findings()) or "")
    if message.html and len(message.html) < _CLEANED:
        assert_storable(clean_html(message.html).html)
    return message


def assert_storable(text: str, *, one_line: bool = False, longest: int = 2_000_000) -> None:
    text.encode("utf-8")
    assert "\0" not in text
    assert len(text) <= longest
    if one_line:
        assert len(text.splitlines()) <= 1
        assert not any(char < " " or char == "\x7f" for char in text)


def _check(raw: bytes, message: ParsedMessage) -> None:
    assert message.message_id
    boxes: list[Mailbox] = [*message.from_, *message.to, *message.cc, *message.bcc]
    boxes += [*message.reply_to, *((message.sender,) if message.sender else ())]
    for text in (message.message_id, *message.in_reply_to, *message.references):
        assert_storable(text, one_line=True, longest=900)
    for box in boxes:
        assert_storable(box.name, one_line=True)
        assert_storable(box.email, one_line=True, longest=320)
    assert_storable(message.subject, one_line=True, longest=2000)
    for text in (text for pair in message.headers for text in pair):
        assert_storable(text, one_line=True)
    for text in (*message.delivered_to, message.return_path or ""):
        assert_storable(text, one_line=True)
    assert_storable(message.text)
    assert_storable(message.html)
    assert "unreadable-body" not in message.defects
    if message.date is not None:
        assert message.date.utcoffset() is not None
        message.date.timestamp()
    _check_files(raw, message)


def _check_files(raw: bytes, message: ParsedMessage) -> None:
    paths = [attachment.path for attachment in message.attachments]
    assert len(set(paths)) == len(paths)
    for attachment in message.attachments:
        assert_storable(attachment.path, one_line=True, longest=200)
        assert_storable(attachment.content_type, one_line=True, longest=200)
        assert_storable(attachment.content_id, one_line=True, longest=500)
        assert_storable(attachment.filename, one_line=True)
        assert attachment.filename.strip(" .") == attachment.filename != ""
        assert len(attachment.filename.encode()) <= 210
        assert not set(attachment.filename) & set('/\\<>:"|?*')
    for attachment in message.attachments[:5]:
        assert len(read_part(raw, attachment.path)) == attachment.size


def _check_bounce(raw: bytes, message: ParsedMessage) -> None:
    bounce = read_bounce(raw, message)
    if bounce is None:
        return
    assert bounce.kind in ("failed", "delayed", "delivered")
    assert len(bounce.recipients) <= 200
    for text in (*bounce.original_message_ids, bounce.envelope_id):
        assert_storable(text, one_line=True)
    for recipient in bounce.recipients:
        assert_storable(recipient.address, one_line=True)
        assert_storable(recipient.status, one_line=True, longest=20)
        assert_storable(recipient.diagnostic, one_line=True, longest=1000)
        assert recipient.action in ("", "failed", "delayed", "delivered", "relayed", "expanded")


def _check_threading(message: ParsedMessage) -> None:
    trim_references(candidate_ids(message))
    read_own_message_id(message.message_id, keys=[_KEY])
    find_ticket_hooks(message.subject)
    assert_storable(normalise_subject(message.subject), one_line=True)
    assert_storable(reply_subject(message.subject, 5), one_line=True)
