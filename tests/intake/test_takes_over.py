"""Polling a real mailbox: every mail is taken over once, byte for byte, and nothing is touched there."""

from __future__ import annotations

import imaplib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from archive.delete_expired import delete_expired
from archive.models import ArchiveEntry
from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from mailaccounts.models import AccountLink, MailFolder
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account, states_of
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket, TicketMessage

State = IntakeItem.State
pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]
EML = Path(__file__).parent.parent / "eml"


def test_mails_of_all_shapes_become_tickets_byte_for_byte(dovecot: Dovecot, mailbox: str) -> None:
    odd = [
        file.read_bytes().replace(b"<1@kunde.example>", b"<odd-%d@kunde.example>" % number)
        for number, file in enumerate(sorted(EML.glob("*.eml")))
    ]
    plain = [make_mail(number) for number in range(max(10, 205 - len(odd)))]
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    dovecot.append(mailbox, "INBOX", [raw for raw in [*odd, *plain] if raw])
    on_server = dovecot.messages(mailbox)

    summary = poll_account(account.pk)

    assert summary.error is None
    assert summary.counts.quarantined == summary.counts.failed == 0
    assert summary.counts.done == len(on_server) >= 200
    stored = [read_raw(item.message) for item in IntakeItem.objects.order_by("uid")]  # type: ignore[arg-type]
    assert stored == on_server
    in_tickets = TicketMessage.objects.filter(kind="in").values("message").distinct().count()
    assert in_tickets == ArchiveEntry.objects.count() == len(set(on_server))
    assert Ticket.objects.filter(subject="Anfrage 7").count() == 1
    link = AccountLink.objects.get(account=account, direction="in")
    assert (link.state, link.lease_owner) == ("ok", "")


def test_the_second_poll_finds_nothing_and_sends_four_commands(
    dovecot: Dovecot, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_polled_account(dovecot, mailbox)
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(30)])
    assert poll_account(account.pk).counts.done == 30

    commands = count_commands(monkeypatch)
    summary = poll_account(account.pk)

    assert (summary.counts.noted, summary.counts.done, summary.error) == (0, 0, None)
    assert len(commands) <= 5, commands
    assert Ticket.objects.count() == 30


def count_commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    original = imaplib.IMAP4._command  # type: ignore[attr-defined]

    def counted(self: imaplib.IMAP4, name: str, *args: Any) -> Any:
        sent.append(name)
        return original(self, name, *args)

    monkeypatch.setattr(imaplib.IMAP4, "_command", counted)
    return sent


def test_a_read_mail_is_fetched_and_no_flag_is_touched(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox)
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(3)])
    with dovecot.client(mailbox) as other:
        other.select_folder("INBOX")
        other.add_flags(other.search("ALL")[0], ["\\Seen", "\\Flagged"])
    before = dovecot.flags(mailbox)

    assert poll_account(account.pk).counts.tickets == 3
    assert dovecot.flags(mailbox) == before
    assert before[0] == frozenset({"\\Seen", "\\Flagged"})


def test_tickets_are_closed_where_the_account_says_so(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, close_tickets=True)
    dovecot.append(mailbox, "INBOX", [make_mail()])
    poll_account(account.pk)
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)
    assert ticket.closed_at is not None


@pytest.mark.parametrize("is_changed", [False, True])
def test_renumbering_doubles_nothing(dovecot: Dovecot, mailbox: str, is_changed: bool) -> None:
    """UIDVALIDITY changes; with `is_changed` the server writes the same mails a little differently."""
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    folder = MailFolder.objects.create(account=account, name="Kunden")
    mails = [make_mail(number) for number in range(5)]
    when = datetime(2026, 6, 1, tzinfo=UTC)
    dovecot.append(mailbox, "Kunden", [])
    for raw in mails:
        deliver_at(dovecot, mailbox, raw, when, "Kunden")
    assert poll_account(account.pk).counts.tickets == 5
    first = FolderCursor.objects.get(folder=folder).uidvalidity

    with dovecot.client(mailbox) as other:
        other.delete_folder("Kunden")
        other.create_folder("Kunden")
    for raw in mails:
        again = raw.replace(b"MIME-Version: 1.0", b"MIME-Version:  1.0") if is_changed else raw
        deliver_at(dovecot, mailbox, again, when, "Kunden")
    deliver_at(dovecot, mailbox, make_mail(9), when, "Kunden")
    summary = poll_account(account.pk)

    assert FolderCursor.objects.get(folder=folder).uidvalidity != first
    assert summary.counts.tickets == 1
    assert Ticket.objects.count() == TicketMessage.objects.count() == 6
    assert ArchiveEntry.objects.count() == 6
    assert set(states_of(account.pk)) == {State.DONE}


def test_the_same_bytes_in_two_folders_are_one_message(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    for name in ("INBOX", "Kopien"):
        MailFolder.objects.create(account=account, name=name)
        dovecot.append(mailbox, name, [make_mail()])
    summary = poll_account(account.pk)
    assert (summary.counts.done, summary.counts.tickets) == (2, 1)
    assert StoredMessage.objects.count() == ArchiveEntry.objects.count() == 1


def test_a_sent_folder_is_archived_and_makes_no_tickets(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    MailFolder.objects.create(account=account, name="Sent", purpose="archive")
    dovecot.append(mailbox, "Sent", [make_mail(sender=mailbox)])
    assert poll_account(account.pk).counts.done == 1
    assert not Ticket.objects.exists()
    assert ArchiveEntry.objects.get().direction == "out"


def test_a_missing_folder_does_not_hold_up_the_others(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox)
    MailFolder.objects.create(account=account, name="Gibt-es-nicht")
    MailFolder.objects.create(account=account, name="INBOX")
    dovecot.append(mailbox, "INBOX", [make_mail()])
    summary = poll_account(account.pk)
    assert summary.counts.tickets == 1
    assert summary.error is not None
    assert summary.error.kind == "folder_missing"


def test_what_the_archive_has_deleted_is_not_fetched_again(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(
        dovecot, mailbox, tickets_enabled=False, archive_enabled=True, archive_days=30
    )
    deliver_at(dovecot, mailbox, make_mail(), timezone.now() - timedelta(days=31))
    assert poll_account(account.pk).counts.done == 1
    assert delete_expired() == 1
    assert not StoredMessage.objects.exists()
    item = IntakeItem.objects.get()
    assert (item.state, item.message) == (State.DONE, None)
    assert poll_account(account.pk).counts.noted == 0
