"""Delivery reports: they belong to the message sent, never make a ticket then, and reopen the right one."""

from __future__ import annotations

import pytest
from django.utils import timezone

from mailcore.bounces import Bounce, BounceRecipient
from outbox.models import OutgoingMessage, Recipient
from outbox.record_bounce import record_bounce
from tests.factories import make_ticket
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import as_incoming, make_ticket_account, send_from
from tickets.incoming import IncomingMail
from tickets.models import Ticket, TicketEvent
from tickets.receive import receive_group

pytestmark = pytest.mark.django_db
DAEMON = "MAILER-DAEMON@mx.example"


def report(kind: str, *message_ids: str, address: str = "hans@huber.example") -> Bounce:
    recipient = BounceRecipient(address, kind, "5.1.1", "user unknown")
    return Bounce(kind, message_ids, "", (recipient,))


def sent_message(ticket: Ticket) -> OutgoingMessage:
    assert ticket.account is not None
    send_from(ticket, ticket.account)
    outgoing = OutgoingMessage.objects.get(ticket_message__ticket=ticket)
    Recipient.objects.create(
        outgoing=outgoing, kind="to", email="hans@huber.example", state="accepted"
    )
    return outgoing


def take_report(ticket: Ticket, bounce: Bounce, **headers: str) -> IncomingMail:
    assert ticket.account is not None
    mail = as_incoming(ticket.account, make_mail(500, sender=DAEMON, **headers))
    bounced = record_bounce(bounce=bounce, account=ticket.account, received_at=timezone.now())
    full = IncomingMail(
        mail.account,
        mail.purpose,
        mail.message,
        mail.parsed,
        mail.classification,
        mail.received_at,
        bounce,
        bounced,
    )
    receive_group([full])
    return full


def test_a_failure_is_noted_everywhere_and_reopens() -> None:
    ticket = make_ticket(account=make_ticket_account(), status="warten_kd")
    outgoing = sent_message(ticket)
    take_report(ticket, report("failed", outgoing.message.message_id))
    outgoing.refresh_from_db()
    recipient = outgoing.recipients.get()
    assert (outgoing.state, recipient.state) == ("bounced", "bounced")
    assert recipient.reply == outgoing.last_reply == "5.1.1 user unknown"
    ticket.refresh_from_db()
    assert ticket.status == "offen"
    assert Ticket.objects.count() == 1
    assert ticket.messages.filter(kind="in").count() == 1
    event = TicketEvent.objects.get(ticket=ticket, kind="delivery")
    assert event.text == "Unzustellbar an hans@huber.example: 5.1.1 user unknown"


@pytest.mark.parametrize(
    ("kind", "word"), [("delayed", "Zustellung verzögert"), ("delivered", "Zugestellt")]
)
def test_a_notice_is_shown_and_changes_nothing(kind: str, word: str) -> None:
    ticket = make_ticket(account=make_ticket_account(), status="abgeschlossen", waiting_since=None)
    outgoing = sent_message(ticket)
    take_report(ticket, report(kind, outgoing.message.message_id))
    outgoing.refresh_from_db()
    ticket.refresh_from_db()
    assert (outgoing.state, outgoing.recipients.get().state) == ("sent", "accepted")
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)
    assert TicketEvent.objects.get(ticket=ticket, kind="delivery").text.startswith(word)


def test_without_ids_the_recipient_and_a_recent_sending_decide() -> None:
    ticket = make_ticket(account=make_ticket_account())
    outgoing = sent_message(ticket)
    take_report(ticket, report("failed"))
    outgoing.refresh_from_db()
    assert outgoing.state == "bounced"
    assert Ticket.objects.count() == 1


def test_a_report_about_a_stranger_s_mail_touches_nothing() -> None:
    ticket = make_ticket(account=make_ticket_account())
    outgoing = sent_message(ticket)
    take_report(ticket, report("failed", "fremd@anders.example"))
    outgoing.refresh_from_db()
    assert (outgoing.state, outgoing.recipients.get().state) == ("sent", "accepted")
    assert Ticket.objects.count() == 2, "an unknown bounce must not be lost"


def test_a_report_about_a_mail_without_a_ticket_makes_none() -> None:
    ticket = make_ticket(account=make_ticket_account())
    outgoing = sent_message(ticket)
    outgoing.ticket_message.delete()
    take_report(ticket, report("failed", outgoing.message.message_id))
    outgoing.refresh_from_db()
    assert outgoing.state == "bounced"
    assert Ticket.objects.count() == 1
    assert not ticket.messages.exists()


def test_a_forwarding_recipient_is_the_only_one_there_is() -> None:
    ticket = make_ticket(account=make_ticket_account())
    outgoing = sent_message(ticket)
    bounce = report("failed", outgoing.message.message_id, address="weiter@provider.example")
    take_report(ticket, bounce)
    assert outgoing.recipients.get().state == "bounced"
