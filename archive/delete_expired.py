"""Retention: what is older than the account keeps it is deleted; its entry stays as a tombstone.

First the entry lets go of the message, then the message goes if nobody else refers to it, and an
hour later its bytes, if the same bytes have not come again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from archive.models import ArchiveEntry
from mailaccounts.models import MailAccount
from mailstore.blobs import delete_stale_blob
from mailstore.models import StoredMessage

_GROUP = 200
_BYTES_STAY = timedelta(hours=1)  # somebody may be storing the same bytes this very moment


def delete_expired(*, at: datetime | None = None) -> int:
    """Deletes what has expired at `at` (now) and returns the number of entries. Safe to repeat."""
    now = at or timezone.now()
    deleted = 0
    for account in MailAccount.objects.filter(archive_days__gt=0):
        expired = ArchiveEntry.objects.filter(
            account=account,
            mail_date__lt=now - timedelta(days=account.archive_days or 0),
            message__isnull=False,
        ).order_by("pk")
        last = 0
        while group := list(expired.filter(pk__gt=last).values_list("pk", "message_id")[:_GROUP]):
            deleted += sum(_bury(entry_id, message_id, now) for entry_id, message_id in group)
            last = group[-1][0]
    _delete_bytes(now)
    return deleted


def _bury(entry_id: int, message_id: int | None, now: datetime) -> bool:
    """False where somebody referred to the message at the same moment: the next run tries again."""
    try:
        with transaction.atomic():
            ArchiveEntry.objects.filter(pk=entry_id).update(message=None, deleted_at=now)
            if message_id is not None and _delete_message(message_id):
                ArchiveEntry.objects.filter(pk=entry_id).update(bytes_pending=True)
    except IntegrityError:  # PostgreSQL checks references at the commit
        return False
    return True


def _delete_message(message_id: int) -> bool:
    """True if the message went, False if a ticket, the outbox or another account needs it."""
    try:
        with transaction.atomic():
            StoredMessage.objects.filter(pk=message_id).delete()
    except ProtectedError:
        return False
    return True


def _delete_bytes(now: datetime) -> None:
    pending = ArchiveEntry.objects.filter(bytes_pending=True, deleted_at__lt=now - _BYTES_STAY)
    for entry in pending.iterator():
        if not StoredMessage.objects.filter(sha256=entry.sha256).exists():
            delete_stale_blob(entry.sha256)
        ArchiveEntry.objects.filter(pk=entry.pk).update(bytes_pending=False)
