from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone

from company.secrets import seal
from intake.watch import Watcher
from mailaccounts.connect import imap_binding
from tests.factories import PASSWORD, set_company
from tests.intake.mailbox import make_mail, make_polled_account
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]
SECONDS = 15  # nothing here takes longer on a slow machine


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch, **intervals: Any) -> Iterator[queue.Queue[int]]:
    for name, value in {"_LOOK_SECONDS": 0.1, "_BACK_OFF": (0.1, 0.2), **intervals}.items():
        monkeypatch.setattr(f"intake.watch.{name}", value)
    news: queue.Queue[int] = queue.Queue()
    watcher = Watcher(on_news=news.put)
    watcher.start()
    try:
        yield news
    finally:
        watcher.stop()


def drain(news: queue.Queue[int]) -> None:
    while not news.empty():
        news.get_nowait()


def test_new_mail_is_told_at_once(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_polled_account(dovecot, mailbox)
    with watching(monkeypatch) as news:
        assert news.get(timeout=SECONDS) == first.pk  # connected: what came before is fetched
        dovecot.deliver(mailbox, make_mail())
        assert news.get(timeout=SECONDS) == first.pk
        second = make_polled_account(dovecot, f"zwei-{mailbox}")
        assert news.get(timeout=SECONDS) == second.pk
        dovecot.deliver(second.email, make_mail())
        assert news.get(timeout=SECONDS) == second.pk


def test_renewing_loses_nothing(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    with watching(monkeypatch, _RENEW_SECONDS=0.05) as news:
        assert news.get(timeout=SECONDS) == account.pk
        for number in range(3):
            drain(news)
            dovecot.deliver(mailbox, make_mail(number))
            assert news.get(timeout=SECONDS) == account.pk


def test_a_server_that_comes_back_is_watched_again(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox, imap_port=1)
    with watching(monkeypatch) as news:
        with pytest.raises(queue.Empty):
            news.get(timeout=0.5)
        account.imap_port = dovecot.imap_port
        account.imap_secret = seal(PASSWORD, imap_binding(account))
        account.save()
        assert news.get(timeout=SECONDS) == account.pk
        dovecot.deliver(mailbox, make_mail())
        assert news.get(timeout=SECONDS) == account.pk


def test_who_is_paused_is_left_alone(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    with watching(monkeypatch) as news:
        assert news.get(timeout=SECONDS) == account.pk
        account.paused_at = timezone.now()
        account.save()
        other = make_polled_account(dovecot, f"zwei-{mailbox}")
        assert news.get(timeout=SECONDS) == other.pk  # the change was seen by then
        dovecot.deliver(mailbox, make_mail())
        with pytest.raises(queue.Empty):
            news.get(timeout=1.5)
        dovecot.deliver(other.email, make_mail())
        assert news.get(timeout=SECONDS) == other.pk


def test_the_emergency_brake_closes_all_connections(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    with watching(monkeypatch) as news:
        assert news.get(timeout=SECONDS) == account.pk
        set_company(fetching_paused=True)
        with pytest.raises(queue.Empty):
            news.get(timeout=1)
        dovecot.deliver(mailbox, make_mail())
        with pytest.raises(queue.Empty):
            news.get(timeout=1.5)
        set_company(fetching_paused=False)
        assert news.get(timeout=SECONDS) == account.pk
