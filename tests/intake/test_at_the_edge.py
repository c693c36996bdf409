"""The last moment, the last byte, a decision in between: what is just within is taken over, nothing twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from archive.delete_expired import delete_expired
from archive.models import ArchiveEntry
from autoresponder.models import Autoresponder
from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from mailaccounts.models import MailAccount, MailFolder
from mailcore.imap import ImapSession
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from outbox.models import OutgoingMessage, Recipient
from tests.factories import make_ticket
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import again, scripted_account, states
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox
from tests.tickets.incoming import send_from
from tickets.models import Ticket, TicketEvent, TicketMessage

pytestmark = pytest.mark.django_db


def test_from_midnight_of_the_day_on(box: Mailbox, server: ScriptedServer) -> None:
    account = scripted_account(server)
    MailAccount.objects.filter(pk=account.pk).update(since_date=date(2026, 6, 1))
    box.dates = {1: "31-May-2026 23:59:59 +0200", 2: "01-Jun-2026 00:00:00 +0200"}
    poll_account(account.pk)
    assert states() == {1: "excluded", 2: "done", 3: "done"}


def test_as_large_as_allowed_is_not_too_large(
    box: Mailbox, account: MailAccount, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 1000
    box.sizes = {1: 1000, 2: 1001}
    poll_account(account.pk)
    assert states() == {1: "done", 2: "too_large", 3: "done"}


def test_a_busy_server_counts_against_no_message(box: Mailbox, account: MailAccount) -> None:
    box.answers["UID FETCH 1:3 (BODY"] = "{tag} NO [UNAVAILABLE] try again later\r\n"
    for _ in range(4):
        assert again(account).error is not None
    assert set(IntakeItem.objects.values_list("state", "attempts")) == {("noted", 0)}
    box.answers.clear()
    assert again(account).counts.done == 3


def test_what_another_process_decided_meanwhile_stays(
    box: Mailbox, account: MailAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = ImapSession.fetch_batch

    def fetch_and_lose(self: ImapSession, uids: list[int]) -> dict[int, bytes]:
        found = fetch(self, uids)
        IntakeItem.objects.filter(uid=2).update(state=IntakeItem.State.IGNORED)
        return found

    monkeypatch.setattr(ImapSession, "fetch_batch", fetch_and_lose)
    assert poll_account(account.pk).counts.done == 2
    assert states() == {1: "done", 2: "ignored", 3: "done"}
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize(("second", "minute"), [(2, 5), (22, 0)])
def test_one_id_and_one_size_or_date_do_not_make_two_mails_one_after_renumbering(
    box: Mailbox, account: MailAccount, second: int, minute: int
) -> None:
    """A scanner gives all its mails the same Message-ID; they are of one length or of one second."""
    mails = [make_mail(number, Message_ID="<scan@geraet.example>") for number in (1, second)]
    box.messages, box.dates = {1: mails[0]}, {1: "01-Jun-2026 10:00:00 +0000"}
    poll_account(account.pk)
    box.uidvalidity, box.messages = 8, {1: mails[0], 2: mails[1]}
    box.dates[2] = f"01-Jun-2026 10:{minute:02}:00 +0000"
    assert poll_account(account.pk).counts.done == 1
    assert TicketMessage.objects.count() == 2


@pytest.mark.parametrize("decided", ["quarantined", "ignored"])
def test_what_was_set_aside_stays_so_after_renumbering(
    box: Mailbox, account: MailAccount, decided: str
) -> None:
    poll_account(account.pk)
    Ticket.objects.filter(subject="Anfrage 2").delete()
    IntakeItem.objects.filter(uid=2).update(state=decided, attempts=3, message=None)
    box.uidvalidity = 8
    assert poll_account(account.pk).counts.done == 0
    again(account)
    assert set(IntakeItem.objects.filter(uid=2).values_list("uidvalidity", "state")) == {
        (7, decided),
        (8, "ignored"),
    }
    assert Ticket.objects.count() == 2


def test_what_was_open_under_old_numbers_is_open_once_under_the_new(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server)
    MailAccount.objects.filter(pk=account.pk).update(since_date=date(2026, 6, 1))
    box.dates, box.sizes, box.withheld = {1: "01-May-2026 00:00:00 +0000"}, {2: 60 << 20}, {3}
    poll_account(account.pk)
    assert states() == {1: "excluded", 2: "too_large", 3: "noted"}
    box.uidvalidity = 8
    poll_account(account.pk)
    rows = IntakeItem.objects.order_by("uidvalidity", "uid")
    assert list(rows.values_list("uidvalidity", "state")) == [
        *((7, "gone"), (7, "gone"), (7, "gone")),
        *((8, "excluded"), (8, "too_large"), (8, "noted")),
    ]


def test_bodies_are_only_peeked_at(box: Mailbox, server: ScriptedServer) -> None:
    """Folders are opened read-only as well, which not every server takes seriously."""
    box.sizes = {2: 60 << 20}
    poll_account(scripted_account(server).pk)
    asked = [line for line in server.heard if "BODY" in line]
    assert len(asked) == 2
    assert all("BODY.PEEK[" in line for line in asked)
    assert not [line for line in server.heard if " SELECT " in line]


def test_after_renumbering_nothing_of_the_backlog_is_answered(
    box: Mailbox, account: MailAccount
) -> None:
    poll_account(account.pk)
    Autoresponder.objects.create(account=account, is_active=True, subject="Danke", text="Danke")
    FolderCursor.objects.update(started_at=timezone.now() - timedelta(days=9))
    box.uidvalidity = 8
    box.messages[4] = make_mail(4)
    earlier = datetime.now(UTC) - timedelta(hours=2)
    box.dates[4] = f"{earlier:%d-%b-%Y %H:%M:%S} +0000"
    assert poll_account(account.pk).counts.tickets == 1
    assert not OutgoingMessage.objects.exists()


def test_a_copy_by_another_way_is_answered_once_and_without_a_word(
    box: Mailbox, account: MailAccount
) -> None:
    Autoresponder.objects.create(
        account=account, is_active=True, once_a_day=False, subject="Danke", text="Danke"
    )
    box.messages = {}
    poll_account(account.pk)
    box.messages = {1: make_mail(1), 2: b"Delivered-To: alias@firma.example\r\n" + make_mail(1)}
    box.dates = dict.fromkeys((1, 2), f"{datetime.now(UTC):%d-%b-%Y %H:%M:%S} +0000")
    FolderCursor.objects.update(started_at=timezone.now() - timedelta(hours=1))
    assert poll_account(account.pk).counts.done == 2
    assert OutgoingMessage.objects.count() == 1
    assert not TicketEvent.objects.filter(kind="suppressed").exists()


def test_our_own_mail_that_comes_back_is_neither_answered_nor_passed_on(
    box: Mailbox, server: ScriptedServer
) -> None:
    """A list or a forwarding address has put its own sender on it."""
    account = scripted_account(
        server, archive_forward_to="archiv@extern.example", archive_enabled=True
    )
    MailAccount.objects.filter(pk=account.pk).update(tickets_enabled=False)
    Autoresponder.objects.create(account=account, is_active=True, subject="Danke", text="Danke")
    box.messages = {}
    poll_account(account.pk)
    own = new_message_id("firma.example", keys=message_id_keys(), token="o-1")
    box.messages = {1: make_mail(1, Message_ID=f"<{own}>", sender="weiter@leitung.example")}
    box.dates[1] = f"{datetime.now(UTC) + timedelta(seconds=2):%d-%b-%Y %H:%M:%S} +0000"
    assert poll_account(account.pk).counts.done == 1
    assert not OutgoingMessage.objects.exists()
    box.messages[2] = make_mail(2)
    box.dates[2] = box.dates[1]
    poll_account(account.pk)
    origins = OutgoingMessage.objects.order_by("origin").values_list("origin", flat=True)
    assert list(origins) == ["autoresponse", "forward"]


def dsn(message_id: str) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: info@firma.example\r\nSubject: Unzustellbar\r\n"
        "Return-Path: <>\r\nMessage-ID: <dsn-1@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nUnzustellbar\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; hans@huber.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("purpose", ["tickets", "archive"])
def test_a_report_about_the_mail_of_another_account(
    box: Mailbox, server: ScriptedServer, purpose: str
) -> None:
    """It reaches the ticket there; in a folder that is only archived it is old news."""
    account = scripted_account(server, archive_enabled=True)
    MailFolder.objects.create(account=account, name="INBOX", purpose=purpose)
    sender = scripted_account(server, "vertrieb@firma.example")
    ticket = make_ticket(account=sender, status="warten_kd")
    message_id = send_from(ticket, sender)
    outgoing = OutgoingMessage.objects.get()
    Recipient.objects.create(
        outgoing=outgoing, kind="to", email="hans@huber.example", state="accepted"
    )
    box.messages = {1: dsn(message_id)}
    poll_account(account.pk)
    outgoing.refresh_from_db()
    ticket.refresh_from_db()
    assert ArchiveEntry.objects.filter(account=account).count() == 1
    assert Ticket.objects.get() == ticket, "a new ticket for a report"
    if purpose == "tickets":
        assert (outgoing.state, ticket.status) == ("bounced", "offen")
    else:
        assert (outgoing.state, ticket.status) == ("sent", "warten_kd")


def test_a_date_of_arrival_that_is_none_lets_nothing_expire(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, archive_enabled=True, archive_days=30)
    MailAccount.objects.filter(pk=account.pk).update(since_date=timezone.localdate())
    box.messages = {1: make_mail(1)}
    box.dates = {1: "01-Jan-1970 00:00:00 +0000"}
    poll_account(account.pk)
    assert delete_expired() == 0
    assert (Ticket.objects.count(), ArchiveEntry.objects.count()) == (1, 1)
