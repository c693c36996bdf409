"""Mail that is not taken over yet, or set aside, needs its bytes whatever the archive deletes."""

from __future__ import annotations

from collections.abc import Collection

from intake.models import IntakeItem
from intake.set_aside import LISTED

_WAITING = ((IntakeItem.State.NOTED,), LISTED)  # each has a partial index


def find_kept(hashes: Collection[str]) -> set[str]:
    return {
        sha256
        for states in _WAITING
        for sha256 in IntakeItem.objects.filter(state__in=states, blob__in=hashes).values_list(
            "blob", flat=True
        )
    }
