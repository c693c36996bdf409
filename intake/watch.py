"""Push instead of waiting: IMAP IDLE on every account; news wakes the ordinary poll.

One thread watches all connections. Whatever blocks (connecting, renewing) is done by a few helper
threads; accounts in trouble have helpers of their own, so that their time-outs keep nobody waiting. The
watcher fetches nothing itself: if it fails, polling goes on as always.
"""

from __future__ import annotations

import logging
import os
import random
import resource
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import DatabaseError, close_old_connections, connections

from company.nudge import nudge
from intake.news import News
from intake.tasks import poll_account
from intake.watched import Watched, accounts_to_watch
from mailaccounts.connect import connect_imap
from mailaccounts.models import MailAccount
from mailcore.errors import MailError
from mailcore.imap import ImapSession

log = logging.getLogger(__name__)
_RENEW_SECONDS = 25 * 60  # servers may end IDLE after 30 minutes (RFC 2177)
_LOOK_SECONDS = 3  # for new and changed accounts
_HELPERS = 8
_HELPERS_FOR_FAILING = 4
_BACK_OFF = (5, 300)  # seconds, first and longest
_RETURNS_PER_SECOND = 50  # when a server with many mailboxes restarts, they come back spread
_NO_IDLE_SECONDS = 3600
_STEADY_SECONDS = 60  # who hangs up earlier is in trouble
_SOCKETS = 65_536


@dataclass(slots=True)
class _Line:
    """The connection of one account, or the wait until the next try."""

    watched: Watched
    session: ImapSession | None = None
    is_busy: bool = False  # a helper works on it
    renew_at: float = 0
    retry_at: float = 0
    failures: int = 0
    opened_at: float = 0
    number: int = -1  # of the socket while it is watched


class Watcher:
    """Watches until stopped. `on_news` is told the account's id; by default its poll is woken."""

    def __init__(self, on_news: Callable[[int], None] | None = None) -> None:
        self._news = News(on_news or _wake_poll)
        self._lines: dict[int, _Line] = {}
        self._by_socket: dict[int, _Line] = {}
        self._poller = select.poll()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None
        self._helpers = ThreadPoolExecutor(_HELPERS, "idle-helper")
        self._helpers_for_failing = ThreadPoolExecutor(_HELPERS_FOR_FAILING, "idle-helper-failing")

    def start(self) -> None:
        _allow_many_sockets()
        self._news.start()
        self._poller.register(self._wake_read, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="idle-watcher", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10) -> None:
        """Ends the thread and all connections."""
        self._stopping.set()
        os.write(self._wake_write, b"x")
        if self._thread is not None:
            self._thread.join(timeout)
        self._news.stop()
        for helpers in (self._helpers, self._helpers_for_failing):
            helpers.shutdown(wait=False, cancel_futures=True)
        for line in self._lines.values():
            if line.session is not None and not line.is_busy:
                _hang_up(line.session)
        if not any(line.is_busy for line in self._lines.values()):
            os.close(self._wake_read)
            os.close(self._wake_write)

    @property
    def connections(self) -> int:
        """How many accounts are watched right now."""
        with self._lock:
            return len(self._by_socket)

    def _run(self) -> None:
        next_look = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() >= next_look:
                    self._look_at_accounts()
                    next_look = time.monotonic() + _LOOK_SECONDS
                self._start_due()
            except DatabaseError as error:
                log.warning("watcher: database away: %s", error)
                next_look = time.monotonic() + _LOOK_SECONDS
            except Exception:  # the boundary of the watcher: a dead one would look alive
                log.exception("watcher: goes on")
                next_look = time.monotonic() + _LOOK_SECONDS
            finally:
                close_old_connections()
            self._wait_for_news(max(0.05, next_look - time.monotonic()))
        connections.close_all()

    def _look_at_accounts(self) -> None:
        """New accounts get a line; those that changed or went lose theirs."""
        wanted = accounts_to_watch()
        for account_id, line in list(self._lines.items()):
            if not line.is_busy and wanted.get(account_id) != line.watched:
                self._drop(line)
                del self._lines[account_id]
        for account_id, watched in wanted.items():
            if account_id not in self._lines:
                self._lines[account_id] = _Line(watched)

    def _start_due(self) -> None:
        now = time.monotonic()
        for line in self._lines.values():
            if line.is_busy:
                continue
            if line.session is None and now >= line.retry_at:
                line.is_busy = True
                helpers = self._helpers_for_failing if line.failures else self._helpers
                helpers.submit(self._help, self._open, line)
            elif line.session is not None and now >= line.renew_at:
                self._unregister(line)
                line.is_busy = True
                self._helpers.submit(self._help, self._renew, line)

    def _help(self, work: Callable[[_Line], None], line: _Line) -> None:
        try:
            work(line)
        except MailError as error:
            self._fail(line, error)
        except Exception:  # the boundary of one account: the others are watched on
            log.exception("watcher: account %s", line.watched.account_id)
            self._fail(line, None)
        finally:
            connections.close_all()  # the helper may not be needed again for long
            line.is_busy = False

    def _open(self, line: _Line) -> None:
        account = MailAccount.objects.get(pk=line.watched.account_id)
        session = connect_imap(account)
        try:
            if "IDLE" not in session.capabilities:
                line.retry_at = time.monotonic() + _NO_IDLE_SECONDS
                session.close()
                return
            session.select(line.watched.folder)
            session.idle_start()
        except MailError:
            session.close()
            raise
        line.session, line.opened_at = session, time.monotonic()
        self._register(line)
        # What came before IDLE began is not announced any more.
        self._news.announce(line.watched.account_id)

    def _renew(self, line: _Line) -> None:
        assert line.session is not None
        if line.session.idle_stop():
            self._news.announce(line.watched.account_id)
        line.session.idle_start()
        self._register(line)

    def _fail(self, line: _Line, error: MailError | None) -> None:
        """Tried again later."""
        now = time.monotonic()
        if line.session is not None and now - line.opened_at > _STEADY_SECONDS:
            line.failures = 0
            line.retry_at = now + return_in(len(self._lines))
        else:
            line.retry_at = now + retry_in(line.failures)
            line.failures += 1
        self._drop(line)
        if error is not None:
            log.info("watcher: account %s: %s", line.watched.account_id, error)

    def _register(self, line: _Line) -> None:
        assert line.session is not None
        if self._stopping.is_set():
            _hang_up(line.session)
            return
        line.renew_at = time.monotonic() + _RENEW_SECONDS * random.uniform(0.9, 1)  # noqa: S311
        with self._lock:
            line.number = line.session.fileno()
            self._by_socket[line.number] = line
            self._poller.register(line.number, select.POLLIN)
        os.write(self._wake_write, b"x")

    def _unregister(self, line: _Line) -> None:
        with self._lock:
            if self._by_socket.pop(line.number, None) is not None:
                self._poller.unregister(line.number)
            line.number = -1

    def _drop(self, line: _Line) -> None:
        self._unregister(line)
        if line.session is not None:
            _hang_up(line.session)
            line.session = None

    def _wait_for_news(self, seconds: float) -> None:
        for number, _event in self._poller.poll(seconds * 1000):
            if number == self._wake_read:
                os.read(self._wake_read, 4096)
                continue
            with self._lock:
                line = self._by_socket.get(number)
            if line is not None:
                self._hear(line)

    def _hear(self, line: _Line) -> None:
        assert line.session is not None
        try:
            has_news = line.session.idle_wait(0)
        except MailError as error:
            self._fail(line, error)
            return
        if has_news:
            self._news.announce(line.watched.account_id)


def return_in(connections_lost: int) -> float:
    """Seconds until a steady connection that was lost is made again, as spread as they are many."""
    spread = max(_BACK_OFF[0], connections_lost / _RETURNS_PER_SECOND)
    return spread * random.uniform(0, 1)  # noqa: S311


def retry_in(failures: int) -> float:
    """Seconds until the next try after so many that failed, not for everybody the same."""
    first, longest = _BACK_OFF
    wait: float = min(longest, first * 2 ** min(failures, 10))
    return wait * random.uniform(0.5, 1.5)  # noqa: S311


def _allow_many_sockets() -> None:
    """As many open files as the system grants: 1,024 are too few for a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(hard, _SOCKETS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _hang_up(session: ImapSession) -> None:
    """Without a word: a LOGOUT would wait for a server that may be silent."""
    session.is_usable = False
    session.close()


def _wake_poll(account_id: int) -> None:
    nudge(poll_account, account_id)
