"""The copy in the Sent folder: once, read, dated as sent, and never in the way of the sending."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mailaccounts.models import MailAccount
from mailstore.read import read_raw
from outbox import sent_copy
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from outbox.retry import retry_sent_copy
from outbox.retry_schedule import next_look
from outbox.sent_copy import file_sent_copies
from outbox.settle_uncertain import settle_uncertain
from tests.outbox.outgoing import account_for, fresh, let_time_pass, queue
from tests.servers.dovecot import Dovecot
from tests.servers.free_port import free_port
from tests.servers.smtp_sink import Sink

pytestmark = [pytest.mark.django_db, pytest.mark.dovecot]

State = OutgoingMessage.State
SentCopy = OutgoingMessage.SentCopy


def _account(sink: Sink, dovecot: Dovecot, mailbox: str, **values: object) -> MailAccount:
    settings = {
        "imap_host": "127.0.0.1",
        "imap_port": dovecot.imap_port,
        "copy_to_sent": True,
        **values,
    }
    return account_for(sink, mailbox, **settings)


def test_copies_are_filed_once_seen_and_with_the_time_of_sending(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    account = _account(smtp_sink, dovecot, mailbox)
    queued = [queue(account) for _ in range(3)]
    assert sent_copy.due_accounts() == []
    deliver_account(account.pk)
    assert sent_copy.due_accounts() == [account.pk]
    assert file_sent_copies(account.pk).filed == 3
    assert file_sent_copies(account.pk).filed == 0
    assert dovecot.messages(mailbox, "Sent") == [read_raw(one.message) for one in queued]
    assert dovecot.flags(mailbox, "Sent") == [frozenset({"\\Seen"})] * 3
    with dovecot.client(mailbox) as client:
        client.select_folder("Sent", readonly=True)
        client.normalise_times = False
        dates = client.fetch(client.search("ALL"), ["INTERNALDATE"])
    for outgoing, answer in zip(queued, dates.values(), strict=True):
        assert answer[b"INTERNALDATE"] == fresh(outgoing).sent_at.replace(microsecond=0)  # type: ignore[union-attr]


def test_a_copy_that_lies_there_already_is_not_filed_again(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    account = _account(smtp_sink, dovecot, mailbox)
    outgoing = queue(account)
    deliver_account(account.pk)
    dovecot.append(mailbox, "Sent", [read_raw(outgoing.message)])
    assert file_sent_copies(account.pk).filed == 1
    assert len(dovecot.messages(mailbox, "Sent")) == 1
    assert fresh(outgoing).sent_copy == SentCopy.FILED


def test_the_folder_of_the_settings_is_used(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    dovecot.append(mailbox, "Gesendete Büroobjekte", [])
    account = _account(smtp_sink, dovecot, mailbox, sent_folder="Gesendete Büroobjekte")
    queue(account)
    deliver_account(account.pk)
    file_sent_copies(account.pk)
    assert len(dovecot.messages(mailbox, "Gesendete Büroobjekte")) == 1


def test_trouble_with_the_copy_never_touches_the_sending(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    account = _account(smtp_sink, dovecot, mailbox, sent_folder="Gibt es nicht")
    outgoing = queue(account)
    deliver_account(account.pk)
    assert file_sent_copies(account.pk).failed == 1
    assert "folder_missing" in fresh(outgoing).sent_copy_error
    MailAccount.objects.filter(pk=account.pk).update(imap_port=free_port())
    for _ in range(11):
        let_time_pass(account)
        file_sent_copies(account.pk)
    after = fresh(outgoing)
    assert (after.state, after.sent_copy) == (State.SENT, SentCopy.FAILED)
    assert len(smtp_sink.received) == 1
    MailAccount.objects.filter(pk=account.pk).update(
        sent_folder="", imap_port=dovecot.imap_port, imap_secret=account.imap_secret
    )
    assert retry_sent_copy(outgoing)
    assert not retry_sent_copy(outgoing)


def test_an_uncertain_message_found_in_the_sent_folder_was_sent(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    account = _account(smtp_sink, dovecot, mailbox)
    outgoing = queue(account)
    smtp_sink.drop_on = "body"
    deliver_account(account.pk)
    assert settle_uncertain() == 0  # the first look is due in a minute
    dovecot.append(mailbox, "Sent", [read_raw(outgoing.message)])
    let_time_pass(account, hours=0.05)
    assert settle_uncertain() == 1
    after = fresh(outgoing)
    assert (after.state, after.sent_copy) == (State.SENT, SentCopy.FILED)
    assert "Sent" in after.last_reply
    assert after.recipients.get().state == "accepted"


def test_an_uncertain_message_not_found_waits_for_a_person(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    account = _account(smtp_sink, dovecot, mailbox)
    outgoing = queue(account)
    smtp_sink.drop_on = "body"
    deliver_account(account.pk)
    began = timezone.now() - timedelta(minutes=61)
    OutgoingMessage.objects.update(data_started_at=began)
    let_time_pass(account, hours=2)
    assert settle_uncertain() == 0
    after = fresh(outgoing)
    assert (after.state, after.next_attempt_at) == (State.UNCERTAIN, None)
    assert smtp_sink.received == []


def test_four_looks_within_an_hour() -> None:
    began = timezone.now()
    looks = [
        next_look(began, began + timedelta(minutes=minutes)) for minutes in (0, 1, 14, 15, 59, 60)
    ]
    waits = [round((look - began).total_seconds() / 60) if look else None for look in looks]
    assert waits == [1, 5, 15, 60, 60, None]
