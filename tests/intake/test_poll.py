from __future__ import annotations

import imaplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from archive.delete_expired import delete_expired
from archive.models import ArchiveEntry
from intake import due
from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from intake.set_aside import ignore, retry
from mailaccounts.links import take_lease
from mailaccounts.models import AccountLink, MailFolder
from mailcore.threading import new_message_id
from mailstore.blobs import get_blob
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from mailstore.store import store_group
from tests.factories import set_company
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account
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


def states(account_id: int) -> list[str]:
    return list(
        IntakeItem.objects.filter(account=account_id)
        .order_by("uid")
        .values_list("state", flat=True)
    )


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


def test_since_date_excludes_and_an_earlier_date_fetches_later(
    dovecot: Dovecot, mailbox: str
) -> None:
    account = make_polled_account(
        dovecot, mailbox, since_date=date(2026, 5, 2), archive_enabled=True
    )
    berlin = timezone.get_default_timezone()
    deliver_at(dovecot, mailbox, make_mail(1), datetime(2026, 5, 1, 23, 59, tzinfo=berlin))
    deliver_at(dovecot, mailbox, make_mail(2), datetime(2026, 5, 2, 0, 1, tzinfo=berlin))

    summary = poll_account(account.pk)

    assert (summary.counts.excluded, summary.counts.tickets) == (1, 1)
    assert states(account.pk) == [State.EXCLUDED, State.DONE]
    assert [entry.message.subject for entry in ArchiveEntry.objects.all() if entry.message] == [
        "Anfrage 2"
    ]
    account.since_date = date(2026, 5, 1)
    account.save()
    assert poll_account(account.pk).counts.tickets == 1
    assert states(account.pk) == [State.DONE, State.DONE]


def test_tickets_are_closed_where_the_account_says_so(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, close_tickets=True)
    dovecot.append(mailbox, "INBOX", [make_mail()])
    poll_account(account.pk)
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)
    assert ticket.closed_at is not None


def test_deletes_exactly_what_it_took_over(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(
        dovecot, mailbox, delete_on_server=True, since_date=date(2026, 5, 2)
    )
    old, new = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    deliver_at(dovecot, mailbox, make_mail(1, subject="zu alt"), old)
    deliver_at(dovecot, mailbox, make_mail(2), new)
    deliver_at(dovecot, mailbox, make_mail(3, subject="von anderen gelöscht"), old)
    with dovecot.client(mailbox) as other:
        other.select_folder("INBOX")
        other.add_flags(other.search("ALL")[2], ["\\Deleted"])

    summary = poll_account(account.pk)

    assert (summary.counts.tickets, summary.counts.deleted) == (1, 1)
    left = b"".join(dovecot.messages(mailbox))
    assert b"mail-1@" in left
    assert b"mail-3@" in left, "another program's deletion was carried out"
    assert b"mail-2@" not in left
    assert IntakeItem.objects.get(state=State.DONE).deleted_at is not None


def test_a_mail_that_is_only_stored_is_not_deleted(dovecot: Dovecot, mailbox: str) -> None:
    """An own mail that came back makes no ticket; without an archive nothing else keeps it."""
    own = new_message_id("firma.example", keys=message_id_keys(), token="o-1")
    account = make_polled_account(dovecot, mailbox, delete_on_server=True)
    dovecot.append(mailbox, "INBOX", [make_mail(Message_ID=f"<{own}>")])
    summary = poll_account(account.pk)
    assert (summary.counts.done, summary.counts.tickets, summary.counts.deleted) == (1, 0, 0)
    assert len(dovecot.messages(mailbox)) == 1
    assert not Ticket.objects.exists()


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
    assert set(states(account.pk)) == {State.DONE}


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


def test_too_large_is_noted_with_its_header_and_fetched_on_demand(
    dovecot: Dovecot, mailbox: str, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 10_000
    account = make_polled_account(dovecot, mailbox)
    dovecot.append(mailbox, "INBOX", [make_mail(text="x" * 70 + "\n" * 20_000), make_mail(2)])
    summary = poll_account(account.pk)
    assert (summary.counts.too_large, summary.counts.tickets) == (1, 1)
    item = IntakeItem.objects.get(state=State.TOO_LARGE)
    assert b"Subject: Anfrage 1" in get_blob(item.blob)
    assert retry(item)
    assert poll_account(account.pk).counts.tickets == 1
    item.refresh_from_db()
    assert item.state == State.DONE


def test_an_earlier_date_does_not_fetch_what_is_too_large(
    dovecot: Dovecot, mailbox: str, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 10_000
    account = make_polled_account(dovecot, mailbox, since_date=date(2026, 5, 2))
    old = datetime(2026, 4, 1, tzinfo=UTC)
    deliver_at(dovecot, mailbox, make_mail(1, text="x" * 70 + "\n" * 20_000), old)
    deliver_at(dovecot, mailbox, make_mail(2), old)
    assert poll_account(account.pk).counts.excluded == 2
    account.since_date = None
    account.save()
    summary = poll_account(account.pk)
    assert (summary.counts.too_large, summary.counts.tickets) == (1, 1)
    item = IntakeItem.objects.get(state=State.TOO_LARGE)
    assert b"Subject: Anfrage 1" in get_blob(item.blob)


def test_one_mail_before_the_date_is_fetched_on_demand(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, since_date=date(2026, 5, 2))
    for number in (1, 2):
        deliver_at(dovecot, mailbox, make_mail(number), datetime(2026, 4, 1, tzinfo=UTC))
    poll_account(account.pk)
    first, second = IntakeItem.objects.order_by("uid")
    assert ignore(first)
    assert retry(second)
    assert poll_account(account.pk).counts.tickets == 1
    assert states(account.pk) == [State.IGNORED, State.DONE]
    first.refresh_from_db()
    assert retry(first), "ignoring can be taken back"
    assert poll_account(account.pk).counts.tickets == 1


@contextmanager
def failing_on(monkeypatch: pytest.MonkeyPatch, needle: bytes) -> Iterator[None]:
    """Storing any group with such a message fails, as a defect of ours would."""

    def broken(messages: Any) -> Any:
        if any(needle in message.raw for message in messages):
            raise LookupError("kaputt")
        return store_group(messages)

    with monkeypatch.context() as patch:
        patch.setattr("intake.receive.store_group", broken)
        yield


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
    assert set(states(account.pk)) == {State.DONE}
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
