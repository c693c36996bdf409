"""Puts messages into the archive of their account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from archive.models import ArchiveEntry
from company.rows import insert_values
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage


@dataclass(frozen=True, slots=True)
class NewEntry:
    account: MailAccount
    message: StoredMessage
    direction: StoredMessage.Direction
    mail_date: datetime  # INTERNALDATE or time of sending


_FIELDS = ("account", "message", "sha256", "direction", "mail_date", "archived_at", "bytes_pending")


def add(
    *,
    account: MailAccount,
    message: StoredMessage,
    direction: StoredMessage.Direction,
    mail_date: datetime,
) -> ArchiveEntry | None:
    """The entry of the message, made if it is new; None where the account archives nothing.

    A message whose entry has expired before comes back as its tombstone: it is not kept again.
    """
    if not account.archive_enabled:
        return None
    add_group([NewEntry(account, message, direction, mail_date)])
    return ArchiveEntry.objects.get(account=account, sha256=message.sha256)


def add_group(entries: Sequence[NewEntry]) -> None:
    """Like add for many; what stands in the archive already is left as it is.

    Where a tombstone stands, the message that came again goes as the first one did.
    """
    entries = [entry for entry in entries if entry.account.archive_enabled]
    if insert_values(ArchiveEntry, _FIELDS, list(map(_values, entries))) == len(entries):
        return
    ArchiveEntry.objects.filter(
        account__in={entry.account.pk for entry in entries},
        sha256__in={entry.message.sha256 for entry in entries},
        message__isnull=True,
    ).update(bytes_pending=True)


def _values(entry: NewEntry) -> tuple[object, ...]:
    message = entry.message
    direction = entry.direction.value
    now = timezone.now()
    return (
        *(entry.account.pk, message.pk, message.sha256, direction),
        *(entry.mail_date, now, False),
    )
