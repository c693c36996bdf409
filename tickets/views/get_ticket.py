"""The ticket a page is about."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from company.rights import signed_in
from tickets.models import Ticket


def get_ticket(request: HttpRequest, number: str) -> Ticket:
    """The ticket with all a page says about it; 404 where it does not exist for this user."""
    visible = Ticket.objects.visible_to(signed_in(request))
    related = visible.select_related("account", "queue", "project", "assignee", "address")
    return get_object_or_404(related, number=number)
