"""Admins hear of a failing account once, and once that it works again, through another account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy

import pytest
from django.db import connections

from company.models import User
from intake.poll import poll_account
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from mailcore.errors import Kind, MailError, Step
from mailstore.read import read_raw
from outbox.alerts import alert_admins
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_employee, make_user
from tests.intake.mailbox import make_polled_account
from tests.outbox.outgoing import account_for
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = MailError(Kind.REFUSED, Step.CONNECT, "Connection refused")


@pytest.fixture
def admin() -> User:
    make_user("petra", role="staff")
    make_user("gone", role="admin", is_active=False)
    return make_user("chefin", role="admin", email="chefin@firma.example")


def fail(account: MailAccount, times: int = 3, direction: str = "in") -> None:
    AccountLink.objects.get_or_create(account=account, direction=direction)
    for _ in range(times):
        links.record_failure(account.pk, direction, REFUSED)


def work(account: MailAccount, direction: str = "in") -> None:
    links.record_success(account.pk, direction)


def text_of(outgoing: OutgoingMessage) -> str:
    mail = message_from_bytes(read_raw(outgoing.message), policy=policy.default)
    return f"{mail['Subject']}\n{mail['To']}\n{mail.get_content()}"


@pytest.mark.dovecot
@pytest.mark.usefixtures("admin")
def test_a_real_failure_and_its_end(dovecot: Dovecot, mailbox: str, smtp_sink: Sink) -> None:
    failing = make_polled_account(dovecot, mailbox, password="falsch", smtp_port=smtp_sink.port)
    other = account_for(smtp_sink)
    for attempt in range(1, 6):
        AccountLink.objects.update(next_attempt_at=None)
        poll_account(failing.pk)
        assert alert_admins() == (1 if attempt == 3 else 0)
    deliver_account(other.pk)

    (received,) = smtp_sink.received
    assert received.recipients == ("chefin@firma.example",)
    (sent,) = OutgoingMessage.objects.all()
    assert (sent.account, sent.origin, sent.state) == (other, "alert", "sent")
    text = text_of(sent)
    assert text.startswith(f"Störung: E-Mail Account „{mailbox}“")
    assert "Benutzername oder Passwort stimmt nicht." in text
    assert "So beheben: Prüfen Sie beide." in text
    assert f"http://localhost:8000/accounts/{failing.pk}/" in text
    assert "falsch" not in text

    links.wake(failing.pk)
    assert alert_admins() == 0
    work(failing)
    assert [alert_admins() for _ in range(3)] == [1, 0, 0]
    latest = OutgoingMessage.objects.order_by("-pk")[0]
    assert text_of(latest).startswith(f"E-Mail Account „{mailbox}“ arbeitet wieder")


@pytest.mark.usefixtures("admin")
def test_two_failures_are_patience_and_a_dead_login_is_not() -> None:
    make_account(smtp_enabled=True)
    short, dead = make_account(), make_account()
    fail(short, 2)
    assert alert_admins() == 0
    links.record_failure(dead.pk, "in", MailError(Kind.OAUTH_SIGN_IN, Step.LOGIN, "gone"))
    assert alert_admins() == 1


@pytest.mark.usefixtures("admin")
def test_what_fails_together_is_told_in_one_mail_and_its_ends_one_by_one() -> None:
    make_account("bote@firma.example")
    failing = [make_account(f"a{number}@firma.example") for number in range(3)]
    for account in failing:
        fail(account)
    assert alert_admins() == 1
    text = text_of(OutgoingMessage.objects.get())
    assert text.startswith("Störung: 3 E-Mail Accounts")
    assert all(account.email in text for account in failing)
    work(failing[0])
    assert alert_admins() == 1
    fail(failing[0])
    assert alert_admins() == 1
    assert OutgoingMessage.objects.count() == 3


def _delete(account: MailAccount) -> None:
    MailAccount.objects.filter(pk=account.pk).update(archived_at="2026-01-01T00:00Z")


def _pause(account: MailAccount) -> None:
    MailAccount.objects.filter(pk=account.pk).update(paused_at="2026-01-01T00:00Z")


def _stop_fetching(account: MailAccount) -> None:
    MailAccount.objects.filter(pk=account.pk).update(imap_enabled=False)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("change", [_delete, _pause, _stop_fetching])
def test_an_account_nobody_uses_is_no_news(change: Callable[[MailAccount], None]) -> None:
    make_account("bote@firma.example")
    account = make_account()
    fail(account)
    change(account)
    assert alert_admins() == 0


@pytest.mark.usefixtures("admin")
def test_without_a_messenger_the_news_waits_for_one() -> None:
    failing = make_account()
    make_account(employees=(make_employee(),))  # somebody's own
    broken = make_account()
    fail(failing)
    fail(broken, direction="out")
    assert alert_admins() == 0
    assert not OutgoingMessage.objects.exists()
    assert not AccountLink.objects.filter(alerted_at__isnull=False).exists()
    make_account("bote@firma.example")
    assert alert_admins() == 1


def test_without_an_admin_there_is_nobody_to_tell() -> None:
    make_account()
    fail(make_account())
    assert alert_admins() == 0


@pytest.mark.usefixtures("admin")
def test_an_account_that_works_carries_the_news() -> None:
    standard = make_account("standard@firma.example", is_default=True)
    proven = make_account("bewaehrt@firma.example")
    AccountLink.objects.create(account=proven, direction="out", state="ok")
    fail(make_account())
    alert_admins()
    assert OutgoingMessage.objects.get().account == proven
    fail(proven, direction="out")
    alert_admins()
    assert OutgoingMessage.objects.order_by("-pk")[0].account == standard


@pytest.mark.usefixtures("admin")
def test_two_schedulers_tell_once() -> None:
    make_account()
    fail(make_account())

    def run() -> int:
        try:
            return alert_admins()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = [future.result(30) for future in [pool.submit(run) for _ in range(4)]]
    assert sum(counts) == 1
    assert OutgoingMessage.objects.count() == 1
