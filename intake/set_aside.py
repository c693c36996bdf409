"""What a person decides about messages that were not taken over: tried again after all, or ignored."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Q
from django.utils import timezone

from company.nudge import nudge
from intake.models import IMPORTED, IntakeItem
from intake.tasks import poll_account, take_over_kept

State = IntakeItem.State
LISTED = (State.QUARANTINED, State.TOO_LARGE, State.EXCLUDED, State.IGNORED)


def retry(item: IntakeItem) -> bool:
    """Tries it again from the start, whatever its size and date. False: too late."""
    return retry_all([item.pk]) == 1


def retry_all(pks: Iterable[int]) -> int:
    """Tries these again; returns how many. Those of deleted accounts stay as they are.

    What was never tried (too large, too old) has its headers at most, so the next poll fetches it: one
    message at a time, as its size alone fills a group. If it cannot be found any more, it is gone.
    """
    items = IntakeItem.objects.filter(
        pk__in=list(pks), state__in=LISTED, account__archived_at__isnull=True
    )
    has_bytes = Q(attempts__gt=0) & ~Q(blob="")
    on_server = ~Q(uidvalidity=IMPORTED) & Q(uidvalidity=F("folder__cursor__uidvalidity"))
    found = {item.pk: item for item in items.filter(has_bytes | on_server)}
    lost = items.exclude(uidvalidity=IMPORTED).exclude(pk__in=found)
    lost.filter(state=State.IGNORED).update(state=State.GONE, done_at=timezone.now())
    tried = 0
    again = {"state": State.NOTED, "attempts": 0, "error": "", "next_attempt_at": None}
    for item in found.values():
        values = again if item.has_whole_mail else {**again, "blob": ""}
        same = IntakeItem.objects.filter(pk=item.pk, state=item.state)
        tried += same.update(**values)
    for account_id, is_imported in {(one.account_id, one.is_imported) for one in found.values()}:
        nudge(take_over_kept if is_imported else poll_account, account_id)
    return tried


def ignore(item: IntakeItem) -> bool:
    """It is not wanted. The bytes stay where they are; the server's copy is not touched."""
    return ignore_all([item.pk]) == 1


def ignore_all(pks: Iterable[int]) -> int:
    """Ignores these; returns how many."""
    waiting = IntakeItem.objects.filter(pk__in=list(pks), state__in=LISTED)
    return waiting.exclude(state=State.IGNORED).update(state=State.IGNORED)
