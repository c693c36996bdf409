"""Somebody changes, pauses or deletes an account while it is polled: the poll that runs is meant, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from intake.models import IntakeItem
from intake.poll import poll_account
from mailaccounts.models import MailAccount
from mailcore.imap import ImapSession
from tests.factories import set_company
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import scripted_account, states
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
Change = Callable[[MailAccount], object]


def during_the_first_fetch(
    monkeypatch: pytest.MonkeyPatch, account: MailAccount, change: Change
) -> None:
    fetch = ImapSession.fetch_batch

    def fetch_and_change(self: ImapSession, uids: list[int]) -> dict[int, bytes]:
        monkeypatch.setattr(ImapSession, "fetch_batch", fetch)
        found = fetch(self, uids)
        change(MailAccount.objects.get(pk=account.pk))
        return found

    monkeypatch.setattr(ImapSession, "fetch_batch", fetch_and_change)


def pause(account: MailAccount) -> None:
    MailAccount.objects.filter(pk=account.pk).update(paused_at=timezone.now())


def delete(account: MailAccount) -> None:
    MailAccount.objects.filter(pk=account.pk).update(archived_at=timezone.now())


def switch_off(account: MailAccount) -> None:
    account.imap_enabled = False
    account.save()


def brake(account: MailAccount) -> None:
    set_company(fetching_paused=True)


@pytest.mark.parametrize("change", [pause, delete, switch_off, brake])
def test_it_ends_after_the_message_it_has(
    box: Mailbox, account: MailAccount, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.sizes = dict.fromkeys(box.messages, 9 << 20)  # so each is fetched alone
    during_the_first_fetch(monkeypatch, account, change)
    summary = poll_account(account.pk)
    assert "Einstellungen" in summary.skipped
    assert states() == {1: "done", 2: "noted", 3: "noted"}
    assert set(IntakeItem.objects.values_list("uid", "attempts")) == {(1, 1), (2, 0), (3, 0)}
    assert poll_account(account.pk).counts.done == 0
    assert Ticket.objects.count() == 1


def test_deleting_on_the_server_ends_at_once(
    box: Mailbox, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = scripted_account(server, delete_on_server=True)

    def keep_on_server(fresh: MailAccount) -> None:
        fresh.delete_on_server = False
        fresh.save()

    during_the_first_fetch(monkeypatch, account, keep_on_server)
    assert poll_account(account.pk).has_more
    box.messages[4] = make_mail(4)
    poll_account(account.pk)
    assert Ticket.objects.count() == 4
    assert (box.deleted, len(box.messages)) == (set(), 4)
