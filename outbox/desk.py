"""What the connections of one run share: the queue they take from, the limits, one pen for their rows."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from company.crash_points import crash_point
from mailaccounts import links
from mailaccounts.models import MailAccount
from mailcore.errors import MailError
from mailcore.smtp import Verdict
from mailstore.read import read_raw
from outbox.claim import BATCH, Claimed, claim_due, release, start_data, unstart
from outbox.hold import OUT, hold, sendable
from outbox.judge import Outcome
from outbox.models import OutgoingMessage, Recipient
from outbox.pace import Pace
from outbox.record import record

BRAKE_SECONDS = 0.5  # so soon a pause and „Alles pausieren“ work
_LONGEST = timedelta(minutes=15)  # a run ends then; the next one goes on
_LEASE_SECONDS = 60.0  # so often the lease is renewed
_FAST_SECONDS = 1.0  # a batch worked off so fast: the next one may be larger
# Bytes of messages that are read while another is on its way: below, it is not worth a thread's
# while; above, two of them would fill the memory.
_READ_AHEAD = range(50_000, 4_000_000)


@dataclass(frozen=True, slots=True)
class Job:
    """A message handed to a connection: to whom it still goes, since when, and its bytes."""

    claimed: Claimed
    recipients: tuple[str, ...]
    started_at: datetime
    raw: Callable[[], bytes]

    @property
    def outgoing(self) -> OutgoingMessage:
        return self.claimed.outgoing


class Desk:
    """Hands out messages and takes results, from any thread. Everything ends with `close`."""

    def __init__(self, account: MailAccount, owner: str, *, connections: int = 1) -> None:
        self.account = account
        self.owner = owner
        self.problem = ""
        self._least = self._batch = BATCH * connections
        self._claimed_at = float("-inf")
        self._taking = threading.Lock()
        self._waiting: deque[Claimed] = deque()
        self._ahead: dict[int, Future[bytes]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._pen = threading.Lock()  # one connection writes at a time: SQLite lets others sleep
        self._pace = Pace(account)
        self._end = timezone.now() + _LONGEST
        self._lease_renewed = time.monotonic()  # it was taken a moment ago
        self._brake_checked = float("-inf")
        self._is_stopped = False

    def take(self, most: int) -> list[Claimed]:
        """The next messages, claimed; none: nothing more on this account for now."""
        with self._taking:
            if self._is_stopped or not (self._waiting or self._claim()):
                return []
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def admit(self, claimed: Claimed, following: Claimed | None = None) -> Job | None:
        """That the message goes now, counted; None: nothing may go on this account for now."""
        with self._taking:
            self._is_stopped = self._is_stopped or self._is_braked()
            if self._is_stopped:
                return None
            recipients = _pending(claimed)
            when = self._pace.start(len(recipients))
            if when is not None:
                links.hold_until(self.account.pk, OUT, when)
                self._is_stopped = True
                return None
            claimed.outgoing.account = self.account
            raw = self._bytes_of(claimed.outgoing)
            if following is not None:
                self._read_ahead(following.outgoing)
            return Job(claimed, recipients, timezone.now(), raw)

    def start(self, messages: Sequence[Claimed]) -> set[int]:
        """Commits to the disk, before DATA, that they are about to go. Returns which are still ours."""
        with self._pen:
            return start_data(messages, self.owner)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Commits results. The disk may lag: without it, the messages would be „unklar“, which is true."""
        with self._pen:
            record(outcomes)
        rows = (row for outcome in outcomes for row in outcome.recipients)
        missed = sum(row.state != Recipient.State.ACCEPTED for row in rows)
        with self._taking:
            self._pace.give_back(missed)

    def take_back(self, messages: Sequence[Claimed], *, has_started: bool) -> None:
        """Messages that were not begun are the next ones again; `has_started`: as far as the rows say."""
        if has_started:
            with self._pen:
                unstart(messages, self.owner)
        with self._taking:
            self._waiting.extendleft(reversed(messages))

    def stop(self, verdict: Verdict, error: MailError) -> None:
        """Holds the account; no connection takes another message."""
        self._is_stopped = True
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

    def _read_ahead(self, following: OutgoingMessage) -> None:
        """The next message's bytes are read while this one is on its way."""
        if following.message.size in _READ_AHEAD and following.pk not in self._ahead:
            self._ahead[following.pk] = self._reader.submit(read_raw, following.message)

    def _bytes_of(self, outgoing: OutgoingMessage) -> Callable[[], bytes]:
        reading = self._ahead.pop(outgoing.pk, None)
        if reading is not None:
            return reading.result
        return lambda: read_raw(outgoing.message)


def _pending(claimed: Claimed) -> tuple[str, ...]:
    return tuple(one.email for one in claimed.recipients if one.state == Recipient.State.PENDING)
