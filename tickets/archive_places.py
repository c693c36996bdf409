"""The tickets a message of the archive belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from archive.places import Place
from company.models import User
from mailstore.models import StoredMessage
from tickets.models import Ticket, TicketMessage


def find_places(message: StoredMessage, user: User) -> Iterator[Place]:
    found = TicketMessage.objects.filter(
        message=message, ticket__in=Ticket.objects.visible_to(user)
    ).select_related("ticket")
    for one in found.order_by("-created_at")[:5]:
        label = f"{_('Ticket')} #{one.ticket.number} {one.ticket.subject}"
        page = reverse("tickets:ticket", args=[one.ticket.number])
        yield Place(label, f"{page}#message-{one.pk}", "inbox")
