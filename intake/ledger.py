"""The ledger's state changes. Each is committed on its own, before or after the work it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from intake.models import IntakeItem
from mailaccounts.models import MailAccount, MailFolder
from mailstore.blobs import put_blob

ATTEMPTS = 3  # then a message is set aside
_BACK_OFF_MINUTES = (1, 5)
_CRASHED = "Die Verarbeitung brach dreimal ohne Meldung ab."


def open_items(folder: MailFolder, uidvalidity: int) -> QuerySet[IntakeItem]:
    """What is due to be taken over: known to this folder as it is now, or kept as bytes."""
    now = timezone.now()
    return (
        IntakeItem.objects.filter(account=folder.account_id, folder=folder)
        .filter(state=IntakeItem.State.NOTED)
        .filter(Q(uidvalidity=uidvalidity) | ~Q(blob=""))
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .order_by("pk")
    )


def readmit_excluded(folder: MailFolder, uidvalidity: int) -> int:
    """After „Ab Datum“ was set to an earlier day: what was skipped is wanted now."""
    excluded = IntakeItem.objects.filter(
        folder=folder, uidvalidity=uidvalidity, state=IntakeItem.State.EXCLUDED
    )
    start = start_of(folder.account)
    if start is not None:
        excluded = excluded.filter(internal_date__gte=start)
    return excluded.update(state=IntakeItem.State.NOTED)


def has_excluded_to_readmit(folder: MailFolder) -> bool:
    excluded = IntakeItem.objects.filter(folder=folder, state=IntakeItem.State.EXCLUDED)
    start = start_of(folder.account)
    return (excluded.filter(internal_date__gte=start) if start else excluded).exists()


def start_of(account: MailAccount) -> datetime | None:
    """The first moment of „Ab Datum“ in the company's time zone; None = everything counts."""
    since = account.since_date
    if since is None:
        return None
    return timezone.make_aware(datetime.combine(since, time.min))


def begin_attempt(items: Sequence[IntakeItem]) -> None:
    """Counts the attempt before anything is done, so that it outlives the process."""
    pks = [item.pk for item in items]
    IntakeItem.objects.filter(pk__in=pks).update(attempts=F("attempts") + 1)
    for item in items:
        item.attempts += 1


def take_back_attempt(items: Sequence[IntakeItem]) -> None:
    """It was not the messages' fault: the server, the disk or the database went away."""
    IntakeItem.objects.filter(
        pk__in=[item.pk for item in items], state=IntakeItem.State.NOTED, attempts__gt=0
    ).update(attempts=F("attempts") - 1)


def mark_gone(items: Sequence[IntakeItem]) -> None:
    IntakeItem.objects.filter(
        pk__in=[item.pk for item in items], state=IntakeItem.State.NOTED
    ).update(state=IntakeItem.State.GONE, done_at=timezone.now())


def record_failure(item: IntakeItem, raw: bytes | None, error: str) -> bool:
    """Keeps the bytes and the reason; after three attempts the message is set aside (True)."""
    is_over = item.attempts >= ATTEMPTS
    wait = timedelta(minutes=_BACK_OFF_MINUTES[min(item.attempts, len(_BACK_OFF_MINUTES)) - 1])
    IntakeItem.objects.filter(pk=item.pk, state=IntakeItem.State.NOTED).update(
        state=IntakeItem.State.QUARANTINED if is_over else IntakeItem.State.NOTED,
        blob="" if raw is None else put_blob(raw),
        error=error.replace("\0", "")[:500],
        next_attempt_at=None if is_over else timezone.now() + wait,
    )
    return is_over


def set_aside_after_crashes(item: IntakeItem, raw: bytes) -> None:
    """The process died with it three times: it is not tried again, not even read."""
    record_failure(item, raw, item.error or _CRASHED)
