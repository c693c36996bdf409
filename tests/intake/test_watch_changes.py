"""Whoever changes an account is watched as it is now, without a restart."""

from __future__ import annotations

import pytest

from company.secrets import seal
from mailaccounts.connect import imap_binding
from tests.factories import PASSWORD
from tests.intake.mailbox import make_mail, make_polled_account
from tests.intake.test_watch import SECONDS, watching
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def test_another_mailbox_is_watched_in_place_of_the_first(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    with watching(monkeypatch) as news:
        assert news.get(timeout=SECONDS) == account.pk
        account.username = f"zwei-{mailbox}"
        account.imap_secret = seal(PASSWORD, imap_binding(account))
        account.save()
        assert news.get(timeout=SECONDS) == account.pk, "no new connection"
        dovecot.deliver(account.username, make_mail())
        assert news.get(timeout=SECONDS) == account.pk
