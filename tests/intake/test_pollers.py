"""Who polls and when: one at a time, not while paused, after the interval; a broken mail, a full disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from intake import due
from intake.models import IntakeItem
from intake.poll import poll_account
from intake.set_aside import ignore, retry
from mailaccounts.links import take_lease
from mailaccounts.models import AccountLink
from tests.factories import set_company
from tests.intake.failing import failing_on
from tests.intake.mailbox import make_mail, make_polled_account, states_of
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket, TicketMessage

State = IntakeItem.State
pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def test_one_message_fails_alone_and_is_set_aside_after_three_times(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    mails = [make_mail(number, text="giftig" if number == 3 else "") for number in range(6)]
    dovecot.append(mailbox, "INBOX", mails)
    with failing_on(monkeypatch, b"giftig"):
        first = poll_account(account.pk)
        assert (first.counts.tickets, first.counts.failed) == (5, 1)
        assert poll_account(account.pk).counts.failed == 0, "the back-off is not kept"
        for quarantined in (0, 1):
            IntakeItem.objects.update(next_attempt_at=None)
            assert poll_account(account.pk).counts.quarantined == quarantined
    item = IntakeItem.objects.get(state=State.QUARANTINED)
    assert (item.attempts, item.error) == (3, "LookupError: kaputt")
    with dovecot.client(mailbox) as other:  # the kept bytes are enough
        other.select_folder("INBOX")
        other.delete_messages(other.search("ALL"))
        other.expunge()
    assert retry(item)
    assert poll_account(account.pk).counts.tickets == 1
    assert Ticket.objects.count() == 6
    assert not ignore(item), "what was taken over cannot be ignored"


def test_a_full_disk_stops_fetching_and_counts_against_no_message(
    dovecot: Dovecot, mailbox: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox, delete_on_server=True)
    dovecot.append(mailbox, "INBOX", [make_mail()])

    def full(raws: object) -> list[str]:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("intake.read_group.put_blobs", full)
        with pytest.raises(OSError, match="No space"):
            poll_account(account.pk)
    assert IntakeItem.objects.get().attempts == 0
    settings.MIN_FREE_DISK_BYTES = 1 << 60
    assert "Speicherplatz" in poll_account(account.pk).skipped
    assert len(dovecot.messages(mailbox)) == 1
    settings.MIN_FREE_DISK_BYTES = 0
    assert poll_account(account.pk).counts.tickets == 1


def test_two_pollers_at_once_take_every_mail_once(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(60)])
    done: list[int] = []

    def work() -> None:
        try:
            done.append(poll_account(account.pk).counts.done)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 60
    assert Ticket.objects.count() == TicketMessage.objects.count() == 60


def test_two_pollers_without_a_lease_still_double_nothing(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease ran out under a slow poller: the ledger decides, row by row."""
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(60)])
    monkeypatch.setattr("intake.poll.hold_lease", free_lease)
    monkeypatch.setattr("intake.poll_run.renew_lease", lambda *_: True)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            poll_account(account.pk)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(states_of(account.pk)) == {State.DONE}
    assert Ticket.objects.count() == TicketMessage.objects.count() == 60


@contextmanager
def free_lease(account_id: int, direction: str) -> Iterator[str]:
    yield "somebody"


def test_what_stops_a_poll(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox)
    set_company(fetching_paused=True)
    assert "angehalten" in poll_account(account.pk).skipped
    assert due.due_accounts() == []
    set_company(fetching_paused=False)
    assert due.due_accounts() == [account.pk]
    assert take_lease(account.pk, AccountLink.Direction.INCOMING)
    assert "gerade schon" in poll_account(account.pk).skipped
    AccountLink.objects.all().delete()
    account.paused_at = timezone.now()
    account.save()
    assert "pausiert" in poll_account(account.pk).skipped
    assert "gibt es nicht" in poll_account(account.pk + 1).skipped


def test_due_after_the_interval_only(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox)
    poll_account(account.pk)
    assert due.due_accounts() == []
    AccountLink.objects.update(last_attempt_at=timezone.now() - timedelta(seconds=61))
    assert due.due_accounts() == [account.pk]


def test_an_account_without_use_for_mail_fetches_none(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, tickets_enabled=False)
    dovecot.append(mailbox, "INBOX", [make_mail()])
    summary = poll_account(account.pk)
    assert (summary.error, summary.counts.noted) == (None, 0)
    assert AccountLink.objects.get(direction="in").state == "ok"


def test_the_command_tells_what_it_did_and_fails_with_the_account(
    dovecot: Dovecot, mailbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = make_polled_account(dovecot, mailbox)
    dovecot.append(mailbox, "INBOX", [make_mail()])
    call_command("poll", mailbox)
    assert f"{mailbox}: 1 übernommen, 1 neue Tickets" in capsys.readouterr().out
    call_command("poll")
    assert "nichts Neues" in capsys.readouterr().out
    account.imap_port = 1
    account.save()
    with pytest.raises(CommandError, match="1 Account"):
        call_command("poll")
    assert (
        "Fehler: Für diesen Server ist kein Passwort gespeichert. Öffnen" in capsys.readouterr().out
    )
    with pytest.raises(CommandError, match="gibt es nicht"):
        call_command("poll", "niemand@nirgends.example")
