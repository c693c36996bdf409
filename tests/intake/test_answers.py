"""What a mail sets going: the automatic answer at the ticket, the copy for the archive mailbox, bounces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from autoresponder.models import Autoresponder
from intake.poll import poll_account
from mailaccounts.models import MailAccount
from mailcore.parse import parse
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.intake.mailbox import make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket, TicketEvent

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def make_answering_account(dovecot: Dovecot, mailbox: str) -> MailAccount:
    account = make_polled_account(dovecot, mailbox)
    Autoresponder.objects.create(
        account=account, is_active=True, subject="Ticket {TICKET}", text="Danke: {BETREFF}"
    )
    return account


def test_new_mail_is_answered_backlog_is_not(dovecot: Dovecot, mailbox: str) -> None:
    account = make_answering_account(dovecot, mailbox)
    with dovecot.client(mailbox) as other:
        earlier = datetime.now(UTC) - timedelta(minutes=10)
        other.append("INBOX", make_mail(1), msg_time=earlier)
    assert poll_account(account.pk).counts.tickets == 1
    assert not OutgoingMessage.objects.exists()
    backlog = TicketEvent.objects.get(kind="suppressed")
    assert "lag schon im Postfach, bevor" in backlog.text

    dovecot.deliver(mailbox, make_mail(2), make_mail(3))
    assert poll_account(account.pk).counts.tickets == 2
    outgoing = OutgoingMessage.objects.get()
    ticket = Ticket.objects.get(subject="Anfrage 2")
    assert parse(read_raw(outgoing.message)).subject == f"Ticket {ticket.number}"
    assert ticket.messages.get(kind="auto").outgoing == outgoing
    silent = Ticket.objects.get(subject="Anfrage 3")
    event = TicketEvent.objects.get(ticket=silent, kind="suppressed")
    assert event.text == "Keine automatische Antwort: An diese Adresse ging heute schon eine."
    assert ticket.status == "neu", "an automatic answer answers nothing"


def test_an_answer_to_the_automatic_answer_finds_the_ticket(dovecot: Dovecot, mailbox: str) -> None:
    account = make_answering_account(dovecot, mailbox)
    poll_account(account.pk)
    dovecot.deliver(mailbox, make_mail(1))
    poll_account(account.pk)
    own = OutgoingMessage.objects.get().message.message_id
    dovecot.deliver(mailbox, make_mail(2, In_Reply_To=f"<{own}>", subject="Noch etwas"))
    assert poll_account(account.pk).counts.tickets == 0
    assert Ticket.objects.get().messages.filter(kind="in").count() == 2


def test_the_automatic_answer_coming_back_is_no_ticket_and_no_loop(
    dovecot: Dovecot, mailbox: str
) -> None:
    account = make_answering_account(dovecot, mailbox)
    poll_account(account.pk)
    dovecot.deliver(mailbox, make_mail(1))
    poll_account(account.pk)
    dovecot.deliver(mailbox, read_raw(OutgoingMessage.objects.get().message))
    summary = poll_account(account.pk)
    assert (summary.counts.done, summary.counts.tickets) == (1, 0)
    assert OutgoingMessage.objects.count() == 1


def test_a_bounce_of_the_automatic_answer_is_shown_at_its_ticket(
    dovecot: Dovecot, mailbox: str
) -> None:
    account = make_answering_account(dovecot, mailbox)
    poll_account(account.pk)
    dovecot.deliver(mailbox, make_mail(1))
    poll_account(account.pk)
    outgoing = OutgoingMessage.objects.get()
    OutgoingMessage.objects.update(state="sent", sent_at=outgoing.created_at, next_attempt_at=None)

    dovecot.deliver(mailbox, delivery_report(read_raw(outgoing.message)), envelope_from="")
    assert poll_account(account.pk).counts.tickets == 0

    outgoing.refresh_from_db()
    assert outgoing.state == "bounced"
    event = TicketEvent.objects.get(kind="delivery")
    assert event.ticket == Ticket.objects.get()
    assert event.text.startswith("Unzustellbar an hans@huber.example: 5.1.1")
    assert OutgoingMessage.objects.count() == 1, "a bounce was answered"


def delivery_report(original: bytes) -> bytes:
    report = EmailMessage()
    report["From"], report["To"] = "MAILER-DAEMON@mx.example", "info@firma.example"
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["Message-ID"] = "<bounce-1@mx.example>"
    report.set_content("Leider nicht zustellbar.")
    status = (
        b"Reporting-MTA: dns; mx.example\n\n"
        b"Final-Recipient: rfc822; hans@huber.example\nAction: failed\nStatus: 5.1.1\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 user unknown\n"
    )
    boundary = b"grenze"
    header = report.as_bytes().split(b"\nContent-Type", 1)[0]
    return b"\n".join(
        [
            header,
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=grenze",
            b"MIME-Version: 1.0",
            b"",
            b"--" + boundary,
            b"Content-Type: text/plain\n\nLeider nicht zustellbar.",
            b"--" + boundary,
            b"Content-Type: message/delivery-status\n\n" + status,
            b"--" + boundary,
            b"Content-Type: message/rfc822\n\n" + original.replace(b"\r\n", b"\n"),
            b"--" + boundary + b"--",
            b"",
        ]
    )


def test_every_mail_is_forwarded_unchanged_once(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(
        dovecot, mailbox, tickets_enabled=False, archive_forward_to="archiv@extern.example"
    )
    dovecot.append(mailbox, "INBOX", [make_mail(1), make_mail(2), b"X-Weg: 2\r\n" + make_mail(1)])
    assert poll_account(account.pk).counts.done == 3
    forwarded = OutgoingMessage.objects.filter(origin="forward").order_by("pk")
    assert [read_raw(one.message) for one in forwarded] == dovecot.messages(mailbox)[:2]
    assert {one.envelope_from for one in forwarded} == {account.email}
    assert {one.recipients.get().email for one in forwarded} == {"archiv@extern.example"}
