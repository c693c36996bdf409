"""Where tests let the process die: between any two steps, as by kill -9 or a power cut."""

from __future__ import annotations

import os
from collections import Counter

from django.conf import settings

EXIT_CODE = 137  # as after SIGKILL
_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Ends the process at once if POSTSTELLE_CRASH_AT names this point, „name“ or „name:3“ (3rd pass)."""
    if not settings.CRASH_AT:
        return
    wanted, _, time = settings.CRASH_AT.partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(time or 1):
        os._exit(EXIT_CODE)
