"""Whoever wrote to a customer hears that the answer has come, as a ticket."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from company.notify import notify
from outbox.models import OutgoingMessage
from tickets.models import Ticket


def tell_writer(ticket: Ticket, letter: OutgoingMessage) -> None:
    """A note for the writer who may see the ticket, once."""
    writer = letter.created_by
    if writer is None or not Ticket.objects.visible_to(writer).filter(pk=ticket.pk).exists():
        return

    def text() -> str:
        words = {
            "who": ticket.customer_name or ticket.customer_email,
            "subject": letter.message.subject,
            "number": ticket.number,
        }
        return _("%(who)s hat auf „%(subject)s“ geantwortet: Ticket #%(number)s") % words

    notify(
        user=writer,
        text=text,
        url=reverse("tickets:ticket", args=[ticket.number]),
        once_key=f"answered:{letter.pk}",
    )
