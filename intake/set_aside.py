"""What a person decides about messages that were set aside: in quarantine or too large."""

from __future__ import annotations

from company.nudge import nudge
from intake.models import IntakeItem
from intake.tasks import poll_account

_SET_ASIDE = (IntakeItem.State.QUARANTINED, IntakeItem.State.TOO_LARGE)


def retry(item: IntakeItem) -> bool:
    """Tries it again from the start; a large one is fetched whatever its size. False: too late."""
    values: dict[str, object] = {
        "state": IntakeItem.State.NOTED,
        "attempts": 0,
        "error": "",
        "next_attempt_at": None,
    }
    if item.state == IntakeItem.State.TOO_LARGE:
        values["blob"] = ""  # only its headers were kept
    changed = IntakeItem.objects.filter(pk=item.pk, state=item.state, state__in=_SET_ASIDE).update(
        **values
    )
    if changed:
        nudge(poll_account, item.account_id)
    return bool(changed)


def ignore(item: IntakeItem) -> bool:
    """It is not wanted. The bytes stay where they are; the server's copy is not touched."""
    return bool(
        IntakeItem.objects.filter(pk=item.pk, state__in=_SET_ASIDE).update(
            state=IntakeItem.State.IGNORED
        )
    )
