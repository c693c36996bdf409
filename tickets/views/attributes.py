"""Changing a ticket, or many at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from company.page_answers import is_htmx, show
from company.rights import Right, needs, signed_in
from tickets.change import change
from tickets.conversation import event_line
from tickets.forms import AttributeForm, BulkForm, first_error
from tickets.listing import Wanted, load_row
from tickets.views.get_ticket import get_ticket
from tickets.workspace import load_list_pane, load_ticket_pane


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def change_ticket(request: HttpRequest, number: str) -> HttpResponse:
    """Changes one attribute; htmx gets the details, the head, the row and the new history lines."""
    user, ticket = signed_in(request), get_ticket(request, number)
    form = AttributeForm(request.POST, user=user)
    is_valid = form.is_valid()
    events = change(ticket=ticket, actor=user, **form.changes()) if is_valid else []
    error = "" if is_valid else first_error(form)
    if not is_htmx(request):
        if error:
            messages.error(request, error)
        return redirect("tickets:ticket", number)
    context = {
        "pane": load_ticket_pane(ticket, user),
        "row": load_row(ticket, Wanted.read(request.GET)),
        "new_lines": [event_line(event) for event in events],
        "list_address": Wanted.read(request.GET).address(),
        "error": error,
    }
    return show(request, "tickets/_changed.html", context, status=422 if error else 200)


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def change_many(request: HttpRequest) -> HttpResponse:
    """Sets status or assignee of the marked tickets and says how many were different."""
    user = signed_in(request)
    form = BulkForm(request.POST, user=user)
    if form.is_valid():
        tickets = form.cleaned_data["tickets"].select_related("assignee")
        changed = sum(
            bool(change(ticket=ticket, actor=user, **form.changes())) for ticket in tickets
        )
        tone, text = "success", _result(changed, len(tickets))
    else:
        tone, text = "error", first_error(form)
    if not is_htmx(request):
        messages.add_message(
            request, messages.SUCCESS if tone == "success" else messages.ERROR, text
        )
        return redirect(reverse("tickets:list") + Wanted.read(request.GET).address())
    context = {"list": load_list_pane(user, request.GET), "toast": text, "tone": tone}
    return show(request, "tickets/_list_changed.html", context)


def _result(changed: int, marked: int) -> str:
    text = ngettext("%(n)d Ticket geändert.", "%(n)d Tickets geändert.", changed) % {"n": changed}
    if changed == marked:
        return text
    return f"{text} " + _("Die übrigen waren schon so.")
