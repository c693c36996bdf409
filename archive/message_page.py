"""What the page of an archived message shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from archive.delete_expired import last_day
from archive.models import ArchiveEntry
from archive.places import Place, find_places
from company.models import User
from mailstore.download import can_preview
from mailstore.models import StoredAttachment, StoredMessage


@dataclass(frozen=True, slots=True)
class FileView:
    row: StoredAttachment
    has_preview: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    message: StoredMessage
    to: tuple[str, ...]
    cc: tuple[str, ...]
    files: tuple[FileView, ...]
    places: tuple[Place, ...]
    kept_until: date | None  # the last day before the account's retention deletes it


def view_message(entry: ArchiveEntry, user: User) -> MessageView | None:
    """None for a tombstone."""
    message = entry.message
    if message is None:
        return None
    days, is_deleting = entry.account.archive_days, entry.account.archive_enabled
    files = message.attachments.filter(is_inline=False)
    return MessageView(
        message=message,
        to=_people(message, "to"),
        cc=_people(message, "cc"),
        files=tuple(FileView(file, can_preview(file)) for file in files),
        places=tuple(find_places(message, user)),
        kept_until=last_day(entry.mail_date, days) if days and is_deleting else None,
    )


def _people(message: StoredMessage, kind: str) -> tuple[str, ...]:
    return tuple(
        f"{name} <{email}>" if name else email for name, email in message.people.get(kind, [])
    )
