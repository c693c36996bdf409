"""When a message leaves: pause, brake, schedule, the account's own limits, one worker for each account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mailaccounts import links
from mailaccounts.models import MailAccount
from outbox.cancel import cancel
from outbox.deliver import deliver_account, due_accounts
from outbox.models import Attempt, OutgoingMessage
from outbox.retry import retry
from tests.factories import make_account, set_company
from tests.outbox.outgoing import (
    account_for,
    fresh,
    let_time_pass,
    out_link,
    queue,
)
from tests.servers.free_port import free_port
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


def test_pausing_and_the_brake(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    set_company(sending_paused=True)
    assert due_accounts() == []
    assert deliver_account(account.pk).total == 0
    set_company(sending_paused=False)
    MailAccount.objects.filter(pk=account.pk).update(paused_at=timezone.now())
    assert due_accounts() == []
    assert deliver_account(account.pk).total == 0
    assert fresh(outgoing).state == State.QUEUED
    MailAccount.objects.filter(pk=account.pk).update(paused_at=None)
    assert due_accounts() == [account.pk]
    assert deliver_account(account.pk).sent == 1


def test_the_brake_works_between_two_messages(
    smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.desk.BRAKE_SECONDS", 0)
    account = account_for(smtp_sink)
    for _ in range(5):
        queue(account)

    def brake(point: str) -> None:
        if point == "outbox.recorded":
            set_company(sending_paused=True)

    monkeypatch.setattr("outbox.handful.crash_point", brake)
    assert deliver_account(account.pk).sent == 1
    assert OutgoingMessage.objects.filter(state=State.QUEUED).count() == 4


def test_scheduled_mail_waits_and_can_be_called_back(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    later = timezone.now() + timedelta(minutes=10)
    kept, called_back = queue(account, send_at=later), queue(account, send_at=later)
    assert fresh(kept).state == State.SCHEDULED
    assert deliver_account(account.pk).total == 0
    assert cancel(called_back)
    assert not cancel(called_back)
    let_time_pass(account)
    assert deliver_account(account.pk).sent == 1
    assert not cancel(kept)
    assert fresh(called_back).state == State.CANCELLED
    assert not retry(called_back)


def test_the_account_s_own_speed_limits(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, messages_per_minute=3)
    for _ in range(5):
        queue(account)
    assert deliver_account(account.pk).sent == 3
    hold = out_link(account).next_attempt_at
    assert hold
    assert timedelta(0) < hold - timezone.now() <= timedelta(minutes=1)
    let_time_pass(account)
    Attempt.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    assert deliver_account(account.pk).sent == 2


def test_the_account_s_own_daily_limit(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, recipients_per_day=3)
    for _ in range(3):
        queue(account, "a@x.example", "b@x.example")
    assert deliver_account(account.pk).sent == 1
    let_time_pass(account)
    OutgoingMessage.objects.filter(sent_at__isnull=False).update(
        sent_at=timezone.now() - timedelta(hours=25)
    )
    assert deliver_account(account.pk).sent == 1


def test_a_bad_account_never_delays_another(smtp_sink: Sink) -> None:
    bad = make_account("kaputt@firma.example", smtp_port=free_port())
    good = account_for(smtp_sink)
    for _ in range(3):
        queue(bad)
        queue(good)
    assert set(due_accounts()) == {bad.pk, good.pk}
    deliver_account(bad.pk)
    assert due_accounts() == [good.pk]
    assert deliver_account(good.pk).sent == 3


def test_two_workers_never_share_an_account(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    queue(account)
    with links.hold_lease(account.pk, "out") as owner:
        assert owner
        assert deliver_account(account.pk).total == 0
    assert deliver_account(account.pk).sent == 1
