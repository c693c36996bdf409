"""Reads a message from its raw bytes. Nothing here raises, whatever comes."""

from __future__ import annotations

from datetime import datetime

from mailcore.addresses import parse_addresses, unite
from mailcore.bodies import Content, read_content
from mailcore.charsets import one_line
from mailcore.dates import parse_date, parse_received_date
from mailcore.encoded_words import decode_bytes, decode_header
from mailcore.message_ids import derive_message_id, first_id, parse_ids
from mailcore.messages import Mailbox, ParsedMessage
from mailcore.mime import Tree, iterate_leaves, read_tree
from mailcore.tnef import unpack_tnef
from mailcore.transfer import find_uuencoded

_SUBJECT_LIMIT = 2000  # characters; headers keep the whole value
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")


def parse(raw: bytes, *, received_at: datetime | None = None) -> ParsedMessage:
    """The message as far as it can be read; `received_at` dates one without a usable date.

    Never raises. What the message lacks or breaks is named in `defects`.
    """
    tree = read_tree(raw)
    return _assemble(raw, tree, _read_content_guarded(tree), received_at)


def read_part(raw: bytes, path: str) -> bytes:
    """The decoded bytes of the part or file at `Attachment.path`.

    Raises KeyError if the message has no such part.
    """
    place, _, number = path.rpartition(".")
    if number[:1] in ("t", "u") and number[1:].isdigit():
        data = read_part(raw, place)
        files = _files_inside(data, number[0])
        if not 0 < int(number[1:]) <= len(files):
            raise KeyError(path)
        return files[int(number[1:]) - 1]
    tree = read_tree(raw)
    part = next((leaf for leaf in iterate_leaves(tree.root) if leaf.path == path), None)
    if part is None:
        raise KeyError(path)
    return part.decode()[0]


def _files_inside(data: bytes, kind: str) -> list[bytes]:
    if kind == "u":
        return [found.content for found in find_uuencoded(data)]
    unpacked = unpack_tnef(data)
    return [found.content for found in unpacked.files] if unpacked else []


def _read_content_guarded(tree: Tree) -> Content:
    """One broken message never stops a mailbox: headers and the raw bytes stay readable."""
    try:
        return read_content(tree)
    except Exception:  # noqa: BLE001 - the boundary of one message; the defect is recorded
        tree.note("unreadable-body")
        return Content()


class _Header:
    """The fields of a message by name, raw, with the safe ways to read them."""

    def __init__(self, fields: tuple[tuple[str, bytes], ...], charset: str | None) -> None:
        self._charset = charset
        self._by_name: dict[str, list[bytes]] = {}
        for name, value in fields:
            self._by_name.setdefault(name.lower(), []).append(value)

    def texts(self, name: str) -> list[str]:
        """All values with raw bytes decoded, encoded words not."""
        return [decode_bytes(value, self._charset) for value in self._by_name.get(name, [])]

    def addresses(self, name: str) -> tuple[Mailbox, ...]:
        """The union of repeated headers."""
        found = (mailbox for text in self.texts(name) for mailbox in parse_addresses(text))
        return unite(found)

    def first_addresses(self, name: str) -> tuple[Mailbox, ...]:
        """The first of repeated headers that holds an address, else the first that holds a name."""
        parsed = [found for text in self.texts(name) if (found := parse_addresses(text))]
        with_address = (found for found in parsed if any(one.email for one in found))
        return next(with_address, parsed[0] if parsed else ())

    def ids(self, name: str) -> tuple[str, ...]:
        found = (one_id for text in self.texts(name) for one_id in parse_ids(text))
        return tuple(dict.fromkeys(found))


def _assemble(
    raw: bytes, tree: Tree, content: Content, received_at: datetime | None
) -> ParsedMessage:
    fields = tree.root.fields
    charset = _text_charset(tree)
    header = _Header(fields, charset)
    message_id = first_id(header.texts("message-id"))
    if not message_id:
        tree.note("no-message-id")
        message_id = derive_message_id(raw)
    from_ = header.first_addresses("from")
    if not any(mailbox.email for mailbox in from_):
        tree.note("no-sender")
    sender = header.first_addresses("sender")
    headers = tuple((name, decode_header(value, charset)) for name, value in fields)
    subjects = [value for name, value in headers if name.lower() == "subject"]
    return ParsedMessage(
        message_id=message_id,
        in_reply_to=header.ids("in-reply-to"),
        references=header.ids("references"),
        subject=next(filter(None, subjects), "")[:_SUBJECT_LIMIT],
        from_=from_,
        sender=sender[0] if sender else None,
        reply_to=header.addresses("reply-to"),
        to=header.addresses("to"),
        cc=header.addresses("cc"),
        bcc=header.addresses("bcc"),
        delivered_to=_read_delivered_to(header),
        return_path=_read_return_path(header),
        date=_read_date(header, tree) or received_at,
        headers=headers,
        text=content.text,
        html=content.html,
        attachments=tuple(content.attachments),
        defects=tuple(tree.defects),
        delivery_actions=tuple(dict.fromkeys(content.delivery_actions)),
    )


def _text_charset(tree: Tree) -> str | None:
    """The charset declared for the first text of the message."""
    labels = (leaf.parameters.get("charset") for leaf in iterate_leaves(tree.root))
    return next(filter(None, labels), None)


def _read_delivered_to(header: _Header) -> tuple[str, ...]:
    found: list[str] = []
    for name in _DELIVERED_TO:
        for text in header.texts(name):
            emails = [mailbox.email for mailbox in parse_addresses(text) if mailbox.email]
            found.extend(emails or [one_line(text)])
    return tuple(dict.fromkeys(value.lower() for value in found if value))


def _read_return_path(header: _Header) -> str | None:
    for text in header.texts("return-path"):
        mailboxes = parse_addresses(text)
        if mailboxes and mailboxes[0].email:
            return mailboxes[0].email
        if text.strip(" <>\t") == "":
            return ""
    return None


def _read_date(header: _Header, tree: Tree) -> datetime | None:
    texts = header.texts("date")
    date = next((found for text in texts if (found := parse_date(text))), None)
    if date is not None:
        return date
    tree.note("bad-date" if texts else "no-date")
    received = header.texts("received")
    return next((found for text in received if (found := parse_received_date(text))), None)
