"""„Möglicherweise Antwort auf …“: put the tickets together, part them again, or say no."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.rights import Right, needs, signed_in
from tickets.merge import MergeRefused, merge, undo_merge
from tickets.models import Ticket, TicketMerge
from tickets.views.get_ticket import get_ticket


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def merge_ticket(request: HttpRequest, number: str) -> HttpResponse:
    """Merges the ticket into the one with the number `ziel` and shows that."""
    ticket = get_ticket(request, number)
    into = get_ticket(request, request.POST.get("ziel", "").strip().lstrip("#"))
    try:
        merge(ticket=ticket, into=into, actor=signed_in(request))
    except MergeRefused as refusal:
        text = (
            _("Ein Ticket lässt sich nicht mit sich selbst zusammenführen.")
            if refusal.is_circle
            else _("Eines der Tickets wurde gerade schon zusammengeführt.")
        )
        messages.error(request, text)
        return redirect("tickets:ticket", number)
    text = _("Ticket #%(number)s ist jetzt Teil dieses Tickets.")
    messages.success(request, text % {"number": ticket.number})
    return redirect("tickets:ticket", into.number)


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def part_tickets(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Takes a merge back; both tickets must be the user's to see."""
    ticket = get_ticket(request, number)
    visible = Ticket.objects.visible_to(signed_in(request))
    done = get_object_or_404(
        TicketMerge.objects.select_related("ticket", "into"),
        pk=pk,
        ticket__in=visible,
        into__in=visible,
    )
    try:
        undo_merge(done=done, actor=signed_in(request))
    except MergeRefused:
        text = _("Ticket #%(number)s wurde selbst zusammengeführt. Trennen Sie zuerst das.")
        messages.error(request, text % {"number": done.into.number})
        return redirect("tickets:ticket", ticket.number)
    text = _("Ticket #%(number)s ist wieder ein eigenes Ticket.")
    messages.success(request, text % {"number": done.ticket.number})
    return redirect("tickets:ticket", done.ticket.number)


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def keep_apart(request: HttpRequest, number: str) -> HttpResponse:
    """The guess was wrong: it is not shown again."""
    ticket = get_ticket(request, number)
    Ticket.objects.filter(pk=ticket.pk).update(maybe_answers=None)
    return redirect("tickets:ticket", number)
