"""Keeps messages: the bytes in the blob store, once, and what was read in them as a row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from company.rows import insert_missing, insert_values
from mailcore.digest import Digest, digest_of
from mailcore.messages import Attachment, Mailbox, ParsedMessage
from mailcore.parse import parse
from mailstore.blobs import put_blobs
from mailstore.models import StoredAttachment, StoredMessage

TEXT_LIMIT = 200_000  # characters; the whole text stands in the bytes
_ATTACHMENT = tuple(
    "message path filename content_type size sha256 content_id is_inline".split()  # noqa: SIM905
)
_QUERY_LIMIT = 500  # SQLite bounds the parameters of one statement
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to keep. Without `parsed` it is parsed here."""

    raw: bytes
    direction: StoredMessage.Direction
    received_at: datetime  # INTERNALDATE, or the time of queueing
    parsed: ParsedMessage | None = None
    sha256: str = ""  # set where the bytes stand in the blob store already
    digest: Digest | None = None  # set where it was made together with `parsed`


@lru_cache(maxsize=10_000)
def hash_message_id(message_id: str) -> str:
    """40 hex digits under which a Message-ID is indexed; brackets and blanks do not count."""
    bare = _BLANKS.sub("", message_id).strip("<>")
    return hashlib.sha256(bare.encode("utf-8", "replace")).hexdigest()[:40]


def store_message(
    raw: bytes,
    *,
    direction: StoredMessage.Direction,
    received_at: datetime,
    parsed: ParsedMessage | None = None,
) -> StoredMessage:
    """The row of these bytes, made if they are new. Writes the bytes first where they are missing."""
    return store_group([NewMessage(raw, direction, received_at, parsed)])[0]


def store_group(messages: Sequence[NewMessage]) -> list[StoredMessage]:
    """Like store_message for many, in the same order; the same bytes give the same row."""
    hashes = _write_blobs(messages)
    stored = _find(hashes)
    missing = {
        sha256: message
        for sha256, message in zip(hashes, messages, strict=True)
        if sha256 not in stored
    }
    if missing:
        read = {sha256: _parsed(message) for sha256, message in missing.items()}
        rows = [_row(sha256, message, read[sha256]) for sha256, message in missing.items()]
        inserted = insert_missing(rows, unique="sha256")
        for row in inserted:
            row.is_new = True
        stored |= {row.sha256: row for row in inserted}
        # Another worker may store the same bytes right now: whoever is second takes the first's row.
        stored |= _find(missing.keys() - stored.keys())
        insert_values(
            StoredAttachment,
            _ATTACHMENT,
            [
                _attachment_values(stored[sha256], attachment)
                for sha256 in missing
                for attachment in read[sha256].attachments
            ],
        )
    return [stored[sha256] for sha256 in hashes]


def people_of(parsed: ParsedMessage) -> dict[str, list[list[str]]]:
    """The addresses of a message as StoredMessage.people keeps them."""
    return {
        "from": _pairs(parsed.from_),
        "to": _pairs(parsed.to),
        "cc": _pairs(parsed.cc),
        "reply_to": _pairs(parsed.reply_to),
        "delivered_to": [["", email[:320]] for email in parsed.delivered_to],
    }


def _write_blobs(messages: Sequence[NewMessage]) -> list[str]:
    unwritten = [message for message in messages if not message.sha256]
    written = iter(put_blobs(message.raw for message in unwritten))
    return [message.sha256 or next(written) for message in messages]


def _find(hashes: Iterable[str]) -> dict[str, StoredMessage]:
    wanted = list(dict.fromkeys(hashes))
    return {
        message.sha256: message
        for start in range(0, len(wanted), _QUERY_LIMIT)
        for message in StoredMessage.objects.filter(
            sha256__in=wanted[start : start + _QUERY_LIMIT]
        ).defer("search_text", "text")
    }


def _parsed(message: NewMessage) -> ParsedMessage:
    return message.parsed or parse(message.raw, received_at=message.received_at)


def _row(sha256: str, message: NewMessage, parsed: ParsedMessage) -> StoredMessage:
    sender = parsed.from_[0] if parsed.from_ else Mailbox("", "")
    digest = message.digest or digest_of(parsed)
    return StoredMessage(
        sha256=sha256,
        size=len(message.raw),
        direction=message.direction,
        message_id=parsed.message_id[:998],
        message_id_hash=hash_message_id(parsed.message_id),
        subject=parsed.subject[:998],
        from_name=sender.name[:320],
        from_email=sender.email.lower()[:320],
        people=people_of(parsed),
        date=parsed.date,
        received_at=message.received_at,
        text=parsed.text[:TEXT_LIMIT],
        preview=digest.preview,
        has_html=digest.has_html,
        has_attachments=any(not attachment.is_inline for attachment in parsed.attachments),
        search_text=digest.search_text,
        defects=list(parsed.defects),
    )


def _attachment_values(message: StoredMessage, attachment: Attachment) -> tuple[object, ...]:
    """In the order of _ATTACHMENT."""
    return (
        message.pk,
        attachment.path[:200],
        attachment.filename[:255],
        attachment.content_type[:127],
        attachment.size,
        attachment.sha256,
        attachment.content_id[:255],
        attachment.is_inline,
    )


def _pairs(mailboxes: Sequence[Mailbox]) -> list[list[str]]:
    return [[mailbox.name[:320], mailbox.email.lower()[:320]] for mailbox in mailboxes]
