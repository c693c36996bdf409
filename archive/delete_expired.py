"""Retention: what is older than the account keeps it is deleted; its entry stays as a tombstone.

Days are whole days of the company's calendar: what came on the 1st and is kept for 30 days goes when the
31st is over. First the entry lets go of the message, then the message goes if nobody else refers to it,
and an hour later its bytes, if the same bytes have not come again.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils import timezone

from archive.kept_bytes import find_kept
from archive.models import ArchiveEntry
from company.crash_points import crash_point
from mailaccounts.models import MailAccount
from mailstore.blobs import delete_stale_blob
from mailstore.models import StoredMessage

_GROUP = 200
_BYTES_STAY = timedelta(hours=1)  # somebody may be storing the same bytes this very moment


def last_day(mail_date: datetime, days: int) -> date:
    """The last day on which a message of this moment is kept."""
    return timezone.localdate(mail_date) + timedelta(days=days)


def delete_expired(*, at: datetime | None = None) -> int:
    """Deletes what has expired at `at` (now) and returns the number of entries. Safe to repeat."""
    now = at or timezone.now()
    accounts = _with_a_period().values_list("pk", flat=True)
    deleted = sum(_delete_of_account(account, now) for account in accounts)
    _delete_bytes(now)
    return deleted


def _with_a_period() -> QuerySet[MailAccount]:
    """A switched-off archive keeps what it has: deleting goes on only where archiving does."""
    return MailAccount.objects.filter(archive_enabled=True, archive_days__gt=0)


def _delete_of_account(account_id: int, now: datetime) -> int:
    """Asks for the days anew with every group: whoever raises them stops what is under way."""
    deleted = last = 0
    while True:
        days = _with_a_period().filter(pk=account_id).values_list("archive_days", flat=True).first()
        if not days:
            return deleted
        expired = ArchiveEntry.objects.filter(
            account=account_id,
            mail_date__lt=_start_of_kept(now, days),
            message__isnull=False,
            pk__gt=last,
        ).order_by("pk")
        group = list(expired.values_list("pk", "message_id")[:_GROUP])
        if not group:
            return deleted
        deleted += sum(_bury(entry_id, message_id, now, days) for entry_id, message_id in group)
        last = group[-1][0]


def _start_of_kept(now: datetime, days: int) -> datetime:
    """What is older has had its last day: the first moment of the earliest day that is still kept."""
    earliest = timezone.localdate(now) - timedelta(days=days)
    return timezone.make_aware(datetime.combine(earliest, time.min))


def _bury(entry_id: int, message_id: int | None, now: datetime, days: int) -> bool:
    """False where another run was faster, or somebody referred to the message at the same moment:
    the next run tries again."""
    try:
        with transaction.atomic():
            entry = ArchiveEntry.objects.filter(pk=entry_id, message=message_id)
            if not entry.update(message=None, deleted_at=now, deleted_after=days):
                return False
            crash_point("archive.after_letting_go")
            if message_id is not None and _delete_message(message_id):
                ArchiveEntry.objects.filter(pk=entry_id).update(bytes_pending=True)
    except IntegrityError:  # PostgreSQL checks references at the commit
        return False
    crash_point("archive.after_deleting")
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
    last = 0
    while group := list(pending.filter(pk__gt=last).order_by("pk")[:_GROUP]):
        kept = find_kept({entry.sha256 for entry in group})
        for entry in group:
            if entry.sha256 in kept or _settle_bytes(entry.sha256):
                ArchiveEntry.objects.filter(pk=entry.pk).update(bytes_pending=False)
        last = group[-1].pk


def _settle_bytes(sha256: str) -> bool:
    """True if the bytes are gone or somebody needs them; False: the next run looks again."""
    again = StoredMessage.objects.filter(sha256=sha256).values_list("pk", flat=True).first()
    if again is not None and not _delete_unneeded(again):
        return True
    is_deleted = delete_stale_blob(sha256)
    crash_point("archive.after_bytes")
    return is_deleted


def _delete_unneeded(message_id: int) -> bool:
    try:
        with transaction.atomic():
            return _delete_message(message_id)
    except IntegrityError:
        return False
