"""Several connections of one account, and everything in one pass from the command line."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from outbox import tasks
from outbox.deliver import DeliverySummary, deliver_account, due_accounts
from outbox.models import OutgoingMessage
from tests.factories import make_account, set_company
from tests.outbox.outgoing import account_for, fresh, queue
from tests.servers.free_port import free_port
from tests.servers.smtp_sink import Received, Sink, run_smtp_sink

State = OutgoingMessage.State


@pytest.mark.django_db(transaction=True)
def test_several_connections_share_the_queue_and_nothing_goes_twice(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, max_connections=4)
    queued = [queue(account) for _ in range(60)]
    assert deliver_account(account.pk).sent == 60
    assert 2 <= smtp_sink.connections <= 4  # a late lane may find nothing left
    accepted = Counter(one.raw for one in smtp_sink.received)
    assert len(accepted) == 60
    assert set(accepted.values()) == {1}
    assert {fresh(one).state for one in queued} == {State.SENT}


@pytest.mark.django_db(transaction=True)
def test_a_short_queue_takes_one_connection(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, max_connections=4)
    for _ in range(5):
        queue(account)
    assert deliver_account(account.pk).sent == 5
    assert smtp_sink.connections == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_that_hangs_keeps_nobody_waiting(smtp_sink: Sink) -> None:
    with run_smtp_sink() as stuck, ThreadPoolExecutor(1) as worker:
        stuck.hang_on = "mail"
        sick = account_for(stuck, "haengt@firma.example", max_connections=4)
        healthy = account_for(smtp_sink)
        for _ in range(5):
            queue(sick)
        for _ in range(20):
            queue(healthy)
        hanging = worker.submit(_deliver_and_leave, sick.pk)
        while not stuck.connections:  # until it hangs in MAIL
            assert not hanging.done()
        assert due_accounts() == [healthy.pk]  # the sick one has its worker, and no second one
        assert deliver_account(sick.pk).total == 0
        assert deliver_account(healthy.pk).sent == 20
        assert not hanging.done()
        assert stuck.connections == 1  # a short queue takes one connection
        stuck.released.set()
        assert hanging.result(30).problem == ""


@pytest.mark.django_db(transaction=True)
def test_while_an_answer_is_waited_for_everything_else_is_written(smtp_sink: Sink) -> None:
    """So that a crash or a look at the Postausgang finds one message of unknown fate."""

    def hang_after_the_fifth(_: Received) -> None:  # which is taken just now
        smtp_sink.hang_on = "mail" if len(smtp_sink.received) >= 4 else ""

    smtp_sink.deliver_to = hang_after_the_fifth
    account = account_for(smtp_sink)
    queued = [queue(account) for _ in range(12)]
    with ThreadPoolExecutor(1) as worker:
        hanging = worker.submit(_deliver_and_leave, account.pk)
        begun = OutgoingMessage.objects.filter(state=State.SENDING, data_started_at__isnull=False)
        sent = OutgoingMessage.objects.filter(state=State.SENT)
        while sent.count() < 5 or begun.count() > 1:
            assert not hanging.done()
        assert {one.pk for one in begun} <= {queued[5].pk}
        smtp_sink.deliver_to, smtp_sink.hang_on = None, ""
        smtp_sink.released.set()
        hanging.result(30)
    assert deliver_account(account.pk).total == 0
    assert Counter(one.raw for one in smtp_sink.received).most_common(1)[0][1] == 1
    assert len(smtp_sink.received) == sent.count() == 12


def _deliver_and_leave(account_id: int) -> DeliverySummary:
    try:
        return deliver_account(account_id)
    finally:
        connections.close_all()


def _deliver(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("deliver", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db
class TestCommand:
    def test_everything_due_goes_out(self, smtp_sink: Sink) -> None:
        account = account_for(smtp_sink, description="Support")
        queue(account)
        queue(account, send_at=timezone.now() + timedelta(hours=1))
        out, err = _deliver()
        assert "Support: 1 gesendet" in out
        assert "Noch im Postausgang: 1" in out
        assert err == ""

    def test_trouble_is_told_and_changes_the_exit_code(self, smtp_sink: Sink) -> None:
        bad = make_account("kaputt@firma.example", description="Kaputt", smtp_port=free_port())
        good = account_for(smtp_sink)
        queue(bad)
        queue(good)
        with pytest.raises(CommandError) as error:
            _deliver()
        assert error.value.returncode == 1
        assert len(smtp_sink.received) == 1

    def test_one_account_alone(self, smtp_sink: Sink) -> None:
        first, second = account_for(smtp_sink), account_for(smtp_sink, "zwei@firma.example")
        queue(first)
        queue(second)
        _deliver("--account", "ZWEI@firma.example")
        assert len(smtp_sink.received) == 1
        assert second.outgoing.get().state == State.SENT

    def test_an_unknown_account(self) -> None:
        with pytest.raises(CommandError, match="keinen Account") as error:
            _deliver("--account", "niemand@firma.example")
        assert error.value.returncode == 2

    def test_the_brake_is_mentioned(self, smtp_sink: Sink) -> None:
        queue(account_for(smtp_sink))
        set_company(sending_paused=True)
        assert "angehalten" in _deliver()[0]
        assert smtp_sink.received == []


@pytest.mark.django_db
def test_the_clock_wakes_the_accounts_with_due_mail(
    smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, idle = account_for(smtp_sink), account_for(smtp_sink, "leer@firma.example")
    queue(account)
    queue(idle, send_at=timezone.now() + timedelta(hours=1))
    monkeypatch.setattr(tasks.deliver_account, "delay", tasks.deliver_account)
    tasks.deliver_due_accounts()
    assert len(smtp_sink.received) == 1
    tasks.file_due_sent_copies()
    tasks.settle_uncertain()
