"""A poller whose time is over takes nothing from the one that came after it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from intake.models import FolderCursor
from intake.poll import poll_account
from mailaccounts.links import release_lease, take_lease
from mailaccounts.models import AccountLink, MailAccount
from mailcore.imap import ImapSession, MessageInfo
from tests.factories import make_account
from tests.servers.scripted_mailbox import Mailbox

pytestmark = pytest.mark.django_db


def test_its_lease_is_given_back_only_while_it_is_its_own() -> None:
    account = make_account()
    late = take_lease(account.pk, "in")
    assert late
    AccountLink.objects.update(lease_until=timezone.now())
    new = take_lease(account.pk, "in")
    release_lease(account.pk, "in", late)
    assert AccountLink.objects.get().lease_owner == new
    assert take_lease(account.pk, "in") is None


def test_it_does_not_move_the_cursor_of_a_new_numbering(
    box: Mailbox, account: MailAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_new = ImapSession.list_new

    def list_and_lose(self: ImapSession, after: int, limit: int) -> tuple[MessageInfo, ...]:
        monkeypatch.setattr(ImapSession, "list_new", list_new)
        found = list_new(self, after, limit)
        FolderCursor.objects.update(uidvalidity=8, last_uid=0)  # by another process
        return found

    monkeypatch.setattr(ImapSession, "list_new", list_and_lose)
    poll_account(account.pk)
    assert FolderCursor.objects.get().last_uid == 0
    box.uidvalidity = 8
    box.messages = {uid: raw for uid, raw in box.messages.items() if uid != 3}
    poll_account(account.pk)
    poll_account(account.pk)
    assert FolderCursor.objects.get().last_uid == 2
