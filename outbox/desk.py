"""What the connections of one run share: the queue they take from, the limits, one pen for their rows."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from company.crash_points import crash_point
from mailaccounts import links
from mailaccounts.models import MailAccount
from mailcore.errors import MailError
from mailcore.smtp import Verdict
from mailstore.read import read_raw
from outbox.claim import BATCH, claim_due, release, start_data
from outbox.group_commit import GroupCommit
from outbox.hold import OUT, hold, sendable
from outbox.models import OutgoingMessage, Recipient
from outbox.pace import Pace
from outbox.record import Outcome

BRAKE_SECONDS = 0.5  # so soon a pause and „Alles pausieren“ work
_LONGEST = timedelta(minutes=15)  # a run ends then; the next one goes on
_LEASE_SECONDS = 60.0  # so often the lease is renewed
_FAST_SECONDS = 1.0  # a batch worked off so fast: the next one may be larger
# Bytes of messages that are read while another is on its way: below, it is not worth a thread's
# while; above, two of them would fill the memory.
_READ_AHEAD = range(50_000, 4_000_000)


class ClaimLost(Exception):
    """The message is no longer ours: nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Job:
    """A message handed to a connection: to whom it still goes, since when, and its bytes."""

    outgoing: OutgoingMessage
    recipients: tuple[str, ...]
    started_at: datetime
    raw: Callable[[], bytes]


class Desk:
    """Hands out messages and takes results, from any thread. Everything ends with `close`."""

    def __init__(self, account: MailAccount, owner: str, *, connections: int = 1) -> None:
        self.account = account
        self.owner = owner
        self.problem = ""
        self._least = self._batch = BATCH * connections
        self._claimed_at = float("-inf")
        self._taking = threading.Lock()
        self._waiting: deque[OutgoingMessage] = deque()
        self._ahead: dict[int, Future[bytes]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._commits = GroupCommit()
        self._pace = Pace(account)
        self._end = timezone.now() + _LONGEST
        self._lease_renewed = time.monotonic()  # it was taken a moment ago
        self._brake_checked = float("-inf")
        self._has_ended = False

    def take(self) -> Job | None:
        """The next message; None: nothing more on this account for now."""
        with self._taking:
            if self._has_ended or self._is_braked() or not (self._waiting or self._claim()):
                self._has_ended = True
                return None
            outgoing = self._waiting[0]
            recipients = _pending(outgoing)
            when = self._pace.start(len(recipients))
            if when is not None:
                links.hold_until(self.account.pk, OUT, when)
                self._has_ended = True
                return None
            self._waiting.popleft()
            outgoing.account = self.account
            job = Job(outgoing, recipients, timezone.now(), self._bytes_of(outgoing))
            self._read_ahead()
            return job

    def start(self, job: Job) -> None:
        """Commits, before DATA, that the message is about to go. Raises ClaimLost."""
        started = []

        def note(cursor: CursorWrapper) -> None:
            started.append(start_data(cursor, job.outgoing, self.owner))

        self._commits.write(note, durable=True)
        if not started[-1]:
            raise ClaimLost

    def record(self, outcome: Outcome) -> None:
        """Commits a result. The disk may lag: without it, the message would be „unklar“, which is true."""
        self._commits.write(outcome.write, durable=False)
        missed = sum(one.state != Recipient.State.ACCEPTED for one in outcome.recipients)
        self._pace.give_back(missed)

    def stop(self, verdict: Verdict, error: MailError) -> None:
        """Holds the account; no connection takes another message."""
        self._has_ended = True
        hold(self.account.pk, verdict, error)
        self.problem = self.problem or error.detail or str(error)

    def close(self) -> None:
        """Gives back what was claimed and not begun."""
        self._reader.shutdown(cancel_futures=True)
        release(self.owner)
        crash_point("outbox.released")

    def _claim(self) -> bool:
        if timezone.now() >= self._end or not self._has_lease():
            return False
        now = time.monotonic()
        is_fast = now - self._claimed_at < _FAST_SECONDS
        self._batch = min(3 * self._batch, 10 * self._least) if is_fast else self._least
        self._claimed_at = now
        self._waiting.extend(claim_due(self.account.pk, self.owner, limit=self._batch))
        crash_point("outbox.claimed")
        self._read_ahead()
        return bool(self._waiting)

    def _has_lease(self) -> bool:
        now = time.monotonic()
        if now - self._lease_renewed < _LEASE_SECONDS:
            return True
        self._lease_renewed = now
        return links.renew_lease(self.account.pk, OUT, self.owner)

    def _is_braked(self) -> bool:
        """Whether the account may not send any more; looked up twice a second at most."""
        now = time.monotonic()
        if now - self._brake_checked < BRAKE_SECONDS:
            return False
        self._brake_checked = now
        return not sendable(self.account.pk).exists()

    def _read_ahead(self) -> None:
        """The next message's bytes are read while this one is on its way."""
        if self._waiting and self._waiting[0].message.size in _READ_AHEAD:
            following = self._waiting[0]
            if following.pk not in self._ahead:
                self._ahead[following.pk] = self._reader.submit(read_raw, following.message)

    def _bytes_of(self, outgoing: OutgoingMessage) -> Callable[[], bytes]:
        reading = self._ahead.pop(outgoing.pk, None)
        if reading is not None:
            return reading.result
        return lambda: read_raw(outgoing.message)


def _pending(outgoing: OutgoingMessage) -> tuple[str, ...]:
    rows = outgoing.recipients.all()
    return tuple(one.email for one in rows if one.state == Recipient.State.PENDING)
