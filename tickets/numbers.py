"""Ticket numbers: the day and a count, „202611230001“. Gaps are allowed, doubles are not."""

from __future__ import annotations

from collections import deque
from datetime import date

from django.utils import timezone

from company.take_number import take_number


class NumberBlock:
    """Numbers reserved for one worker, so that no two workers wait for each other at every ticket."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._free: deque[str] = deque()

    def reserve(self, count: int) -> None:
        """Makes sure that `count` numbers of today are at hand; call it outside the transaction."""
        today = timezone.localdate()
        if today != self._day:
            self._day, self._free = today, deque()
        missing = count - len(self._free)
        if missing > 0:
            first = take_number(f"ticket-{today:%Y%m%d}", count=missing)
            self._free.extend(f"{today:%Y%m%d}{first + i:04d}" for i in range(missing))

    def take(self) -> str:
        """The next number; reserves one where none is left."""
        if not self._free:
            self.reserve(1)
        return self._free.popleft()
