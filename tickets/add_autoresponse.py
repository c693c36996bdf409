"""Shows at a ticket what the autoresponder did about a mail of it, or why it kept silent."""

from __future__ import annotations

from django.utils import timezone

from outbox.models import OutgoingMessage
from tickets.models import ThreadId, Ticket, TicketEvent, TicketMessage


def add_autoresponse(*, ticket: Ticket, outgoing: OutgoingMessage) -> TicketMessage:
    """The automatic answer as a message of the ticket; an answer to it finds the ticket. Repeatable."""
    now = timezone.now()
    ticket_message, is_new = TicketMessage.objects.get_or_create(
        outgoing=outgoing,
        defaults={
            "ticket": ticket,
            "kind": TicketMessage.Kind.AUTORESPONSE,
            "account": outgoing.account,
            "message": outgoing.message,
            "created_at": now,
        },
    )
    if is_new:
        ThreadId.objects.get_or_create(
            ticket=ticket,
            message_id_hash=outgoing.message.message_id_hash,
            defaults={"account": outgoing.account},
        )
        TicketEvent.objects.create(
            ticket=ticket,
            kind=TicketEvent.Kind.AUTORESPONSE,
            text="Automatische Antwort wird gesendet.",
            created_at=now,
        )
    return ticket_message


def describe_silence(*, ticket: Ticket, reason: str) -> TicketEvent:
    """A history line, not saved yet, saying why no automatic answer goes out (German)."""
    return TicketEvent(
        ticket=ticket,
        kind=TicketEvent.Kind.SUPPRESSED,
        text=f"Keine automatische Antwort: {reason}"[:500],
        created_at=timezone.now(),
    )
