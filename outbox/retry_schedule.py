"""When a message is tried again: after 1, 5, 15 and 60 minutes, then hourly until 48 hours are over."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_FIRST_MINUTES = (1, 5, 15, 60)
_HOURS = 48
# Counted in attempts, so that the time an account was paused for does not use the patience up.
MOST_ATTEMPTS = 1 + len(_FIRST_MINUTES) + (_HOURS * 60 - sum(_FIRST_MINUTES)) // 60
_LOOK_MINUTES = (1, 5, 15, 60)
_HOUR = re.compile(r"hour|stunde", re.IGNORECASE)
_DAY = re.compile(r"\bda(?:y|ily)|24 ?h|tag\b|täglich", re.IGNORECASE)


def next_try(attempts_made: int, now: datetime) -> datetime | None:
    """When to try again after so many failed attempts (≥ 1); None: no more."""
    if attempts_made >= MOST_ATTEMPTS:
        return None
    return now + timedelta(minutes=_FIRST_MINUTES[min(attempts_made, len(_FIRST_MINUTES)) - 1])


def end_of_throttle(reply: str, now: datetime) -> datetime:
    """How long to leave a provider alone that calls us too fast; SMTP has no word for it but words."""
    if _DAY.search(reply):
        return now + timedelta(hours=3)
    return now + (timedelta(minutes=30) if _HOUR.search(reply) else timedelta(minutes=5))


def next_look(since: datetime, now: datetime) -> datetime | None:
    """When to look again for an uncertain message in the Sent folder; None: a person decides."""
    looks = (since + timedelta(minutes=minutes) for minutes in _LOOK_MINUTES)
    return next((look for look in looks if look > now), None)
