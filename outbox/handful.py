"""The few messages a connection has in hand together: their rows are written in common."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from company.crash_points import crash_point
from outbox.claim import Claimed
from outbox.desk import Desk, Job
from outbox.judge import Outcome

MOST = 10  # so many messages of a connection at most are of unknown fate after a crash
# What happens within that time is written together. Nothing waits longer for it.
SECONDS = 0.05


class ClaimLost(Exception):
    """The message is no longer ours: nothing may be sent."""


class Handful:
    """Before the first one's DATA all are noted as begun; after the last one all results are written.

    As commits are the dearest part of a delivery, this is what makes it fast. What a crash leaves
    unknown is bounded by number and time: where an answer takes its time, `put_down` writes what
    there is, and the message that is waited for is alone.
    """

    def __init__(self, desk: Desk, messages: Sequence[Claimed]) -> None:
        self._desk = desk
        self._waiting = deque(messages)
        self._started: set[int] | None = None
        self._outcomes: list[Outcome] = []
        self._begun = 0
        self._end = time.monotonic() + SECONDS

    @property
    def next_size(self) -> int:
        """How many the next one may have: as many as went in its time, or twice as many as in less."""
        is_quick = time.monotonic() < self._end
        return min(2 * self._begun if is_quick else self._begun, MOST) or 1

    def next(self) -> Job | None:
        """The message that goes now; None: no more of these."""
        if not self._waiting or time.monotonic() > self._end:
            return None
        job = self._desk.admit(*list(self._waiting)[:2])
        if job is not None:
            self._waiting.popleft()
            self._begun += 1
        return job

    def start(self, job: Job) -> None:
        """Commits, before DATA, that the message and those after it are about to go. Raises ClaimLost."""
        if self._started is None:
            self._started = self._desk.start([job.claimed, *self._waiting])
        if job.outgoing.pk not in self._started:
            raise ClaimLost

    def add(self, outcome: Outcome) -> None:
        """A result, to be written soon."""
        self._outcomes.append(outcome)

    def put_down(self) -> None:
        """Commits the results; what was not begun goes back to the desk."""
        outcomes, unsent = self._outcomes, list(self._waiting)
        self._outcomes = []
        self._waiting.clear()
        if unsent:
            self._desk.take_back(unsent, has_started=self._started is not None)
        if outcomes:
            self._desk.record(outcomes)
            crash_point("outbox.recorded")
