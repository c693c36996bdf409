"""The ledger's state changes. Each is committed on its own, before or after the work it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from intake.models import IntakeItem
from mailaccounts.models import MailAccount, MailFolder
from mailstore.blobs import put_blob

ATTEMPTS = 3  # then a message is set aside
_ATTEMPTS_UNREAD = (
    5  # the fourth fetches the bytes to keep them; where that fails, too, it is enough
)
_BACK_OFF_MINUTES = (1, 5)
_INTERRUPTED_MINUTES = (5, 15, 30)
_FURTHEST = timedelta(hours=1)  # what waits longer was written before the clock was set back
CRASHED = "Die Verarbeitung brach dreimal ohne Meldung ab."
INTERRUPTED = "Beim Abholen brach die Verbindung ab."
NOT_HANDED_OUT = "Der Server gibt den Inhalt nicht heraus."


def open_items(folder: MailFolder, uidvalidity: int) -> QuerySet[IntakeItem]:
    """What is due to be taken over: known to this folder as it is now, or kept as bytes."""
    now = timezone.now()
    return (
        IntakeItem.objects.filter(account=folder.account_id, folder=folder)
        .filter(state=IntakeItem.State.NOTED)
        .filter(Q(uidvalidity=uidvalidity) | ~Q(blob=""))
        .exclude(next_attempt_at__gt=now, next_attempt_at__lte=now + _FURTHEST)
        .order_by("pk")
    )


def readmit_excluded(folder: MailFolder, uidvalidity: int) -> int:
    """After „Ab Datum“ was set to an earlier day: what was skipped is wanted now.

    What is over the size limit stays behind for `excluded_too_large`.
    """
    wanted = excluded_since(folder.account).filter(folder=folder, uidvalidity=uidvalidity)
    wanted = wanted.filter(size__lte=settings.MAX_MESSAGE_BYTES)
    return wanted.update(state=IntakeItem.State.NOTED)


def excluded_too_large(folder: MailFolder, uidvalidity: int) -> QuerySet[IntakeItem]:
    """Skipped messages that are wanted now, but only by name: their size is over the limit."""
    wanted = excluded_since(folder.account).filter(folder=folder, uidvalidity=uidvalidity)
    return wanted.filter(size__gt=settings.MAX_MESSAGE_BYTES)


def note_too_large(item: IntakeItem, header: bytes) -> None:
    """Keeps who wrote and what about; the rest is fetched when a person asks for it."""
    IntakeItem.objects.filter(pk=item.pk, state=IntakeItem.State.EXCLUDED).update(
        state=IntakeItem.State.TOO_LARGE, blob=put_blob(header)
    )


def excluded_since(account: MailAccount) -> QuerySet[IntakeItem]:
    """What was skipped before „Ab Datum“ and would not be with the date the account has now."""
    excluded = IntakeItem.objects.filter(account=account, state=IntakeItem.State.EXCLUDED)
    start = start_of(account)
    return excluded if start is None else excluded.filter(internal_date__gte=start)


def count_to_readmit(account: MailAccount) -> int:
    """How many skipped messages the next polls would take over with the date the account has now."""
    return (
        excluded_since(account)
        .filter(folder__is_active=True, uidvalidity=F("folder__cursor__uidvalidity"))
        .count()
    )


def has_excluded_to_readmit(folder: MailFolder) -> bool:
    return excluded_since(folder.account).filter(folder=folder).exists()


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


def note_interrupted(items: Sequence[IntakeItem]) -> None:
    """The connection ended while these were fetched; one of them may be what ends it each time.

    The attempt counts: next time they go one by one, and whoever is alone then and is interrupted again
    lets the others pass first.
    """
    for item in items:
        if item.attempts > 1 and len(items) == 1:
            minutes = _INTERRUPTED_MINUTES[min(item.attempts - 1, len(_INTERRUPTED_MINUTES)) - 1]
            IntakeItem.objects.filter(pk=item.pk, state=IntakeItem.State.NOTED).update(
                error=INTERRUPTED, next_attempt_at=timezone.now() + timedelta(minutes=minutes)
            )


def is_given_up_unread(item: IntakeItem) -> bool:
    """Whether asking the server for it failed so often that nobody is to try again by himself."""
    return item.attempts >= _ATTEMPTS_UNREAD


def set_aside_unread(item: IntakeItem) -> None:
    record_failure(item, None, item.error or CRASHED)


def mark_gone(items: Sequence[IntakeItem]) -> None:
    IntakeItem.objects.filter(
        pk__in=[item.pk for item in items],
        state__in=(IntakeItem.State.NOTED, IntakeItem.State.EXCLUDED),
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
    record_failure(item, raw, item.error or CRASHED)
