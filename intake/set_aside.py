"""What a person decides about messages that were not taken over: tried again after all, or ignored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    tried = 0
    to_wake: set[tuple[int, bool]] = set()
    for chunk in _chunks(list(pks)):
        tried += _retry(chunk, to_wake)
    for account_id, is_imported in to_wake:
        nudge(take_over_kept if is_imported else poll_account, account_id)
    return tried


def _retry(pks: Sequence[int], to_wake: set[tuple[int, bool]]) -> int:
    listed = IntakeItem.objects.filter(pk__in=pks, state__in=LISTED)
    items = listed.filter(account__archived_at__isnull=True)
    has_bytes = Q(attempts__gt=0) & ~Q(blob="")
    on_server = ~Q(uidvalidity=IMPORTED) & Q(uidvalidity=F("folder__cursor__uidvalidity"))
    found = list(items.filter(has_bytes | on_server))
    lost = items.filter(state=State.IGNORED).exclude(uidvalidity=IMPORTED)
    lost.exclude(pk__in=[item.pk for item in found]).update(
        state=State.GONE, done_at=timezone.now()
    )
    to_wake |= {(item.account_id, item.is_imported) for item in found}
    again = {"state": State.NOTED, "attempts": 0, "error": "", "next_attempt_at": None}
    whole = listed.filter(pk__in=[item.pk for item in found if item.has_whole_mail])
    untried = listed.filter(pk__in=[item.pk for item in found if not item.has_whole_mail])
    return whole.update(**again) + untried.update(**again, blob="")


def ignore(item: IntakeItem) -> bool:
    """It is not wanted. The bytes stay where they are; the server's copy is not touched."""
    return ignore_all([item.pk]) == 1


def ignore_all(pks: Iterable[int]) -> int:
    """Ignores these; returns how many."""
    listed = IntakeItem.objects.filter(state__in=LISTED).exclude(state=State.IGNORED)
    return sum(
        listed.filter(pk__in=chunk).update(state=State.IGNORED) for chunk in _chunks(list(pks))
    )


def _chunks(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    """SQLite bounds the parameters of one statement."""
    for start in range(0, len(pks), 500):
        yield pks[start : start + 500]
