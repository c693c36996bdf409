"""An internal note: seen by colleagues, never by the customer."""

from __future__ import annotations

from django.utils import timezone

from company.models import User
from tickets.models import Ticket, TicketMessage


def add_note(*, ticket: Ticket, author: User, text: str) -> TicketMessage:
    """Adds a note in plain text. Raises ValueError for an empty one."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise ValueError("a note needs a text")
    return TicketMessage.objects.create(
        ticket=ticket,
        kind=TicketMessage.Kind.NOTE,
        author=author,
        note=text,
        created_at=timezone.now(),
    )
