"""Mails received into tickets, for the tests of what becomes of them."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from django.utils import timezone

from mailaccounts.models import MailAccount
from mailaccounts.own_addresses import own_addresses
from mailcore.automatic import classify
from mailcore.parse import parse
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.models import OutgoingMessage
from tests.factories import make_account
from tests.intake.mailbox import make_mail
from tickets.incoming import IncomingMail, Received
from tickets.models import Ticket, TicketEvent, TicketMessage
from tickets.receive import receive

CUSTOMER = "Hans Huber <hans@huber.example>"

numbers = count(1)


def make_ticket_account(email: str = "info@firma.example", **values: Any) -> MailAccount:
    return make_account(email, **{"tickets_enabled": True, **values})


def as_incoming(
    account: MailAccount, raw: bytes, *, at: datetime | None = None, purpose: str = "tickets"
) -> IncomingMail:
    received_at = at or timezone.now()
    parsed = parse(raw, received_at=received_at)
    message = store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=received_at, parsed=parsed
    )
    classification = classify(parsed, own_addresses=own_addresses())
    return IncomingMail(account, purpose, message, parsed, classification, received_at)


def take(account: MailAccount, raw: bytes = b"", **headers: Any) -> Received:
    """Receives one mail; without `raw` a new one with these headers."""
    raw = raw or make_mail(next(numbers), **headers)
    mail = as_incoming(account, raw)
    return receive(
        account=account,
        purpose=mail.purpose,
        message=mail.message,
        parsed=mail.parsed,
        classification=mail.classification,
        received_at=mail.received_at,
    )


def ticket_of(received: Received) -> Ticket:
    assert received.ticket is not None
    return Ticket.objects.get(pk=received.ticket.pk)


def hints(ticket: Ticket) -> list[str]:
    events = TicketEvent.objects.filter(ticket=ticket, kind=TicketEvent.Kind.HINT)
    return list(events.values_list("text", flat=True))


def send_from(ticket: Ticket, account: MailAccount) -> str:
    """A reply of ours at the ticket; returns its signed Message-ID."""
    own = new_message_id("firma.example", keys=message_id_keys(), token=f"o-{next(numbers)}")
    raw = make_mail(sender=account.email, to="hans@huber.example", Message_ID=f"<{own}>")
    message = store_message(
        raw, direction=StoredMessage.Direction.OUTGOING, received_at=timezone.now()
    )
    outgoing = OutgoingMessage.objects.create(
        account=account,
        message=message,
        origin="ticket",
        once_key=own,
        state="sent",
        sent_at=timezone.now(),
    )
    TicketMessage.objects.create(
        ticket=ticket,
        kind="out",
        account=account,
        message=message,
        outgoing=outgoing,
        created_at=timezone.now(),
    )
    return own
