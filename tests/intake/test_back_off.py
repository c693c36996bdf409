"""When an account is tried again after a failure, and when it waits for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from intake.due import due_accounts
from intake.poll import poll_account
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from mailcore.errors import Kind
from tests.intake.misbehaving import check_once, link_of
from tests.servers.scripted import drop
from tests.servers.scripted_mailbox import Mailbox

pytestmark = pytest.mark.django_db


def test_a_refused_folder_leaves_the_others_their_rhythm(
    box: Mailbox, account: MailAccount
) -> None:
    for name in ("Fort", "INBOX", 'Auftr"äge'):
        MailFolder.objects.create(account=account, name=name)
    summary = poll_account(account.pk)
    assert summary.error is not None
    assert summary.error.kind is Kind.FOLDER_MISSING
    check_once(box, {1, 2, 3})
    link = link_of(account)
    assert (link.state, link.next_attempt_at) == (AccountLink.State.FAILING, None)
    AccountLink.objects.update(last_attempt_at=timezone.now() - timedelta(seconds=61))
    assert due_accounts() == [account.pk]


def test_three_refused_logins_wait_for_a_person(box: Mailbox, account: MailAccount) -> None:
    box.answers["STATUS"] = drop
    for _ in range(2):
        poll_account(account.pk)
    box.answers = {"AUTHENTICATE": "{tag} NO [AUTHENTICATIONFAILED] no\r\n"}
    found = []
    for _ in range(3):
        poll_account(account.pk)
        found.append(link_of(account).state)
    assert found == ["failing", "failing", "login"], "other trouble does not count as a refusal"
    AccountLink.objects.update(next_attempt_at=None, last_attempt_at=None)
    assert due_accounts() == []


def test_back_off_grows_to_half_an_hour_and_ends_with_the_first_success(
    box: Mailbox, account: MailAccount
) -> None:
    box.answers["STATUS"] = drop
    waits = []
    for _ in range(6):
        before = timezone.now()
        poll_account(account.pk)
        when = link_of(account).next_attempt_at
        assert when is not None
        waits.append(round((when - before) / timedelta(minutes=1)))
        assert due_accounts() == []
    assert waits == [1, 2, 5, 15, 30, 30]
    box.answers.clear()
    poll_account(account.pk)
    assert (link_of(account).failures, link_of(account).next_attempt_at) == (0, None)
