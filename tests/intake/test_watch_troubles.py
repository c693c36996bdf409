"""Watching servers in trouble: whoever is ill delays nobody else, and everybody comes back."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from intake.due import due_accounts
from intake.watch import Watcher, retry_in, return_in
from intake.watched import Watched, accounts_to_watch
from mailaccounts.models import MailAccount, MailFolder
from tests.factories import make_account
from tests.flows.installation import wait_until
from tests.servers.scripted import Peer, ScriptedServer, run_scripted, silence
from tests.servers.scripted_mailbox import Mailbox, serving

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20  # nothing here takes longer on a slow machine
FOREVER = 3600


@pytest.fixture
def news() -> queue.Queue[int]:
    return queue.Queue()


@pytest.fixture
def watcher(news: queue.Queue[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    monkeypatch.setattr("intake.watch._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("intake.watch._BACK_OFF", (0.1, 0.2))
    watching = Watcher(on_news=news.put)
    yield watching
    watching.stop()


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(box: Mailbox) -> Iterator[ScriptedServer]:
    with serving(box) as running:
        yield running


def watched_account(server: ScriptedServer, email: str = "") -> MailAccount:
    return make_account(
        email, imap_host="127.0.0.1", imap_port=server.port, tickets_enabled=True, since_date=None
    )


def wait(is_so: Callable[[], bool], what: str) -> None:
    wait_until(is_so, seconds=SECONDS, what=what)


def test_half_a_line_keeps_nobody_waiting(
    box: Mailbox,
    server: ScriptedServer,
    watcher: Watcher,
    news: queue.Queue[int],
    settings: Settings,
) -> None:
    settings.SERVER_TIMEOUT = FOREVER
    first = watched_account(server)
    watcher.start()
    assert news.get(timeout=SECONDS) == first.pk
    wait(lambda: len(box.idlers) == 1, "idle")
    (slow,) = box.idlers
    server.tell(slow, "* 5 EXI")
    second = watched_account(server)
    assert news.get(timeout=SECONDS) == second.pk
    wait(lambda: len(box.idlers) == 2, "both idle")
    server.tell(next(peer for peer in box.idlers if peer is not slow), "* 9 EXISTS\r\n")
    assert news.get(timeout=SECONDS) == second.pk
    server.tell(slow, "STS\r\n")
    assert news.get(timeout=SECONDS) == first.pk


def test_hanging_servers_do_not_keep_others_from_being_watched(
    server: ScriptedServer, watcher: Watcher, news: queue.Queue[int], settings: Settings
) -> None:
    settings.SERVER_TIMEOUT = 0.2
    with run_scripted(silence) as hanging:
        for _ in range(12):
            watched_account(hanging)
        watcher.start()
        wait(lambda: hanging.connections >= 12, "all were tried")
        settings.SERVER_TIMEOUT = FOREVER  # from now on they hang as long as they like
        before = hanging.connections
        wait(lambda: hanging.connections >= before + 4, "all their helpers hang")
        healthy = watched_account(server)
        assert news.get(timeout=SECONDS) == healthy.pk


def test_after_a_restart_everybody_comes_back(
    box: Mailbox, watcher: Watcher, news: queue.Queue[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.watch._STEADY_SECONDS", 0)
    with serving(box) as server:
        accounts = {watched_account(server).pk for _ in range(20)}
        watcher.start()
        assert {news.get(timeout=SECONDS) for _ in accounts} == accounts
        wait(lambda: watcher.connections == 20, "all are watched")
    wait(lambda: watcher.connections == 0, "the server is gone")
    box.idlers.clear()
    with serving(box, port=server.port):
        assert {news.get(timeout=SECONDS) for _ in accounts} == accounts
        wait(lambda: len(box.idlers) == 20, "all are back")


def test_returns_are_spread_by_the_number_of_mailboxes() -> None:
    """A thousand connections lost at one moment come back over 20 seconds, a single one within 5."""
    waits = [return_in(1000) for _ in range(1000)]
    assert 15 < max(waits) <= 20
    assert sum(wait < 1 for wait in waits) < 150
    assert return_in(1) <= 5
    assert [2.5 * 2**n <= retry_in(n) <= 7.5 * 2**n for n in range(6)] == [True] * 6
    assert retry_in(50) <= 450


def test_a_peer_that_vanished_is_noticed_when_renewing(
    box: Mailbox,
    server: ScriptedServer,
    watcher: Watcher,
    news: queue.Queue[int],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SERVER_TIMEOUT = 0.2
    monkeypatch.setattr("intake.watch._RENEW_SECONDS", 0.3)

    async def vanish(peer: Peer) -> None:
        del box.answers["IDLE"]
        await peer.say("+ idling\r\n")
        await silence(peer)

    box.answers["IDLE"] = vanish
    account = watched_account(server)
    watcher.start()
    assert news.get(timeout=SECONDS) == account.pk
    assert news.get(timeout=SECONDS) == account.pk, "the new connection"
    assert server.connections == 2


def test_without_idle_it_is_polled(box: Mailbox, server: ScriptedServer, watcher: Watcher) -> None:
    box.capabilities = "IMAP4rev1 AUTH=PLAIN"
    account = watched_account(server)
    watcher.start()
    wait(lambda: any("LOGOUT" in line for line in server.heard), "left again")
    other = watched_account(server, "zwei@firma.example")
    wait(lambda: server.connections == 2, "the next is tried")
    assert watcher.connections == 0
    assert not any(" IDLE" in line for line in server.heard)
    assert due_accounts() == [account.pk, other.pk]


def test_a_broker_that_hangs_holds_up_no_connection(box: Mailbox, server: ScriptedServer) -> None:
    may_end = threading.Event()

    def hang(account_id: int) -> None:
        may_end.wait(SECONDS)

    watching = Watcher(on_news=hang)
    for _ in range(12):
        watched_account(server)
    watching.start()
    try:
        wait(lambda: len(box.idlers) == 12, "all are watched")
    finally:
        may_end.set()
        watching.stop()


def test_a_defect_of_ours_does_not_end_the_watch(
    server: ScriptedServer,
    watcher: Watcher,
    news: queue.Queue[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[bool] = []

    def look() -> dict[int, Watched]:
        if not failed:
            failed.append(True)
            raise LookupError("kaputt")
        return accounts_to_watch()

    monkeypatch.setattr("intake.watch.accounts_to_watch", look)
    account = watched_account(server)
    watcher.start()
    assert news.get(timeout=SECONDS) == account.pk
    assert failed


def test_looking_for_changes_asks_the_same_for_one_and_for_fifty(server: ScriptedServer) -> None:
    accounts_to_watch()  # the company's settings come into being
    asked = []
    for count in (1, 50):
        for _ in range(count):
            MailFolder.objects.create(account=watched_account(server), name="INBOX")
        with CaptureQueriesContext(connection) as queries:
            accounts_to_watch()
        asked.append(len(queries))
    assert asked == [4, 4]
