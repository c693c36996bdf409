"""Many accounts, some on servers that hang: the others get their mail, and nothing is asked twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account as poll_now
from intake.tasks import poll_account, poll_due_accounts
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from tests.factories import make_account
from tests.flows.installation import wait_until
from tests.intake.mailbox import make_mail
from tests.servers.scripted import ScriptedServer, run_scripted, silence
from tests.servers.scripted_mailbox import Mailbox, serving
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 16  # of one worker, see poststelle/embedded.py and docker-compose.yml
HEALTHY = 12
INCOMING = AccountLink.Direction.INCOMING


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> deque[tuple[Any, ...]]:
    """What stands in the broker's queue of polls."""
    waiting: deque[tuple[Any, ...]] = deque()

    def put(args: tuple[Any, ...] = (), **options: Any) -> None:
        waiting.append(tuple(args))

    monkeypatch.setattr(poll_account, "apply_async", put)
    return waiting


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving(Mailbox({1: make_mail(1)})) as running:
        yield running


def polled(server: ScriptedServer) -> MailAccount:
    return make_account(
        imap_host="127.0.0.1", imap_port=server.port, tickets_enabled=True, since_date=None
    )


def run(account_id: int, *rest: Any) -> None:
    try:
        poll_account(account_id, *rest)
    finally:
        connections.close_all()


@pytest.mark.parametrize("were_failing", [False, True])
def test_hanging_servers_leave_the_others_their_mail(
    were_failing: bool,
    queued: deque[tuple[Any, ...]],
    server: ScriptedServer,
    settings: Settings,
) -> None:
    """Ten accounts hang, or twenty that did so before: more than the worker has threads."""
    settings.SERVER_TIMEOUT = 3600
    with ThreadPoolExecutor(THREADS) as worker, run_scripted(silence) as hanging:
        sick = [polled(hanging) for _ in range(20 if were_failing else 10)]
        healthy = [polled(server) for _ in range(HEALTHY)]
        if were_failing:
            for account in sick:
                AccountLink.objects.create(account=account, direction=INCOMING, failures=3)
        poll_due_accounts()
        assert len(queued) == len(sick) + len(healthy)
        first_asked = [args[0] for args in queued]
        for args in list(queued):
            worker.submit(run, *args)
        wait_until(
            lambda: IntakeItem.objects.filter(state="done").count() == HEALTHY,
            seconds=60,
            what="every healthy account has its mail, each with one task",
        )
        assert hanging.connections <= (6 if were_failing else 10)
        if were_failing:
            assert set(first_asked[:HEALTHY]) == {account.pk for account in healthy}
    # The server is gone, so nothing hangs any more.
    assert Ticket.objects.count() == HEALTHY


def test_a_queued_account_is_not_queued_again(
    queued: deque[tuple[Any, ...]], server: ScriptedServer
) -> None:
    accounts = {polled(server).pk for _ in range(5)}
    for _ in range(12):  # a minute of sweeps while no worker is free
        poll_due_accounts()
    assert {args[0] for args in queued} == accounts
    assert len(queued) == 5
    run(*queued.popleft())
    AccountLink.objects.update(queued_at=timezone.now() - timedelta(seconds=61))
    AccountLink.objects.filter(last_success_at=None).update(next_attempt_at=None)
    queued.clear()
    poll_due_accounts()
    assert len(queued) == 4, "lost with the broker: queued again after a minute"


def test_clocks_that_jump_stop_nothing(
    queued: deque[tuple[Any, ...]], server: ScriptedServer
) -> None:
    """Everything was written an hour and more ahead of a clock that was then set right."""
    account = polled(server)
    later = timezone.now() + timedelta(hours=3)
    AccountLink.objects.create(
        account=account,
        direction=INCOMING,
        queued_at=later,
        last_attempt_at=later,
        next_attempt_at=later + timedelta(minutes=15),
        lease_owner="elsewhere:1:x",
        lease_until=later + links.LEASE,
        failures=1,
    )
    healthy = polled(server)
    AccountLink.objects.create(account=healthy, direction=INCOMING, last_attempt_at=later)
    poll_due_accounts()
    assert sorted(args[0] for args in queued) == [account.pk, healthy.pk]
    run(account.pk)
    assert Ticket.objects.count() == 1
    folder = FolderCursor.objects.get().folder
    IntakeItem.objects.create(
        account=account,
        folder=folder,
        uidvalidity=7,
        uid=1_000_000,
        internal_date=later,
        blob="",
        attempts=1,
        next_attempt_at=later,
    )
    poll_now(account.pk)
    assert not IntakeItem.objects.filter(state="noted").exists()


def test_a_lease_is_stolen_after_a_jump_and_the_loser_stops(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps a day ahead under a poll: another takes the account, nothing comes twice."""
    account = polled(server)
    stolen: list[str | None] = []

    def steal(name: str) -> None:
        if name == "intake.after_ledger" and not stolen:
            now = timezone.now() + timedelta(days=1)
            monkeypatch.setattr("mailaccounts.links.timezone.now", lambda: now)
            stolen.append(links.take_lease(account.pk, INCOMING))

    monkeypatch.setattr("intake.poll_folder.crash_point", steal)
    summary = poll_now(account.pk)
    assert stolen[0]
    assert "anderer Prozess" in summary.skipped
    assert not Ticket.objects.exists()
    links.release_lease(account.pk, INCOMING, stolen[0])
    assert poll_now(account.pk).counts.tickets == 1
    assert Ticket.objects.count() == 1


def test_a_long_answer_keeps_the_lease(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailcore.imap_connection._PROGRESS_SECONDS", -1)
    account = polled(server)
    seen: list[int] = []
    renew = links.renew_lease

    def count(*args: Any) -> bool:
        seen.append(threading.get_ident())
        return renew(*args)

    monkeypatch.setattr("intake.poll_run.renew_lease", count)
    poll_now(account.pk)
    steps = len(seen)
    monkeypatch.setattr("mailcore.imap_connection._PROGRESS_SECONDS", 3600)
    FolderCursor.objects.all().delete()
    IntakeItem.objects.all().delete()
    seen.clear()
    poll_now(account.pk)
    assert steps > len(seen) > 0, "while reading, and not only between two steps"


def test_a_lease_that_could_not_be_given_back_is_freed_by_the_sweep(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = polled(server)

    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("mailaccounts.links.release_lease", away)
        with pytest.raises(OperationalError):
            poll_now(account.pk)
    assert AccountLink.objects.get(account=account).lease_until is not None
    links.release_dead_leases()
    assert AccountLink.objects.get(account=account).lease_until is None
