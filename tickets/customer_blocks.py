"""What stands beside a customer: their open tickets."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from company.customer_blocks import Block, Line
from company.models import Address, User
from company.timeline import Mark
from tickets.badges import status_badge
from tickets.models import Ticket
from tickets.moments import full_moment

_MOST = 5
_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)


def open_tickets(address: Address, user: User) -> Block | None:
    """The newest open ones of the address; those of nobody by the customer's e-mail."""
    emails = {address.email, *(one.email for one in address.contacts.all())} - {""}
    mine = Q(address=address) | Q(
        address__isnull=True, customer_email__in={email.lower() for email in emails}
    )
    visible = Ticket.objects.visible_to(user).filter(mine, merged_into=None)
    found = visible.exclude(status__in=_DONE).order_by("-last_message_at")[:_MOST]
    now = timezone.now()
    lines = tuple(
        Line(
            text=ticket.subject or _("ohne Betreff"),
            url=reverse("tickets:ticket", args=[ticket.number]),
            sub=f"#{ticket.number} · {full_moment(ticket.last_message_at, now=now)}",
            mark=_mark(ticket),
        )
        for ticket in found
    )
    return Block(_("Offene Tickets"), lines) if lines else None


def _mark(ticket: Ticket) -> Mark:
    badge = status_badge(ticket.status)
    return Mark(badge.text, badge.tone, badge.icon)
