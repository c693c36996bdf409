from __future__ import annotations

from typing import Any

import pytest

from intake.tasks import poll_account, poll_due_accounts
from mailaccounts.links import release_lease, take_lease
from mailaccounts.models import AccountLink
from tests.intake.mailbox import make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]
INCOMING = AccountLink.Direction.INCOMING


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What was asked of the broker."""
    asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def note(args: tuple[Any, ...] = (), **options: Any) -> None:
        asked.append((tuple(args), options))

    monkeypatch.setattr(poll_account, "apply_async", note)
    return asked


def test_due_accounts_are_polled_until_nothing_new_is_left(
    dovecot: Dovecot, mailbox: str, sent: list[Any]
) -> None:
    account = make_polled_account(dovecot, mailbox)
    dovecot.deliver(mailbox, make_mail())
    poll_due_accounts()
    assert [args for args, _ in sent] == [(account.pk,)]
    poll_account(account.pk)
    assert len(sent) == 2, "what came during the poll would wait for the next interval"
    poll_account(account.pk)
    assert len(sent) == 2
    assert Ticket.objects.count() == 1
    poll_due_accounts()
    assert len(sent) == 2


def test_news_during_a_poll_is_looked_at_after_it(
    dovecot: Dovecot, mailbox: str, sent: list[Any]
) -> None:
    account = make_polled_account(dovecot, mailbox)
    owner = take_lease(account.pk, INCOMING)
    assert owner
    poll_due_accounts()
    assert sent == [], "a leased account is not due"
    poll_account(account.pk)
    (args, options) = sent.pop()
    assert (args, options["countdown"]) == ((account.pk, 2), 1)
    poll_account(account.pk, 0)
    assert sent == []
    release_lease(account.pk, INCOMING, owner)
    dovecot.deliver(mailbox, make_mail())
    poll_account(*args)
    assert Ticket.objects.count() == 1
