"""The list of tickets and the ticket beside it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from company.page_answers import show, target_of
from company.rights import Right, needs, signed_in
from tickets.conversation import load_conversation, newest_after
from tickets.listing import Wanted, count_news
from tickets.views.composing import restored_composer
from tickets.views.get_ticket import get_ticket
from tickets.workspace import load_list_pane, load_ticket_pane


@require_safe
@needs(Right.SEE_TICKETS)
def ticket_list(request: HttpRequest) -> HttpResponse:
    """The list alone; or, for htmx, the list's column or its next rows."""
    pane = load_list_pane(signed_in(request), request.GET)
    template = {"list-pane": "tickets/_list.html", "more": "tickets/_rows.html"}.get(
        target_of(request), "tickets/workspace.html"
    )
    return show(request, template, {"list": pane})


@require_safe
@needs(Right.SEE_TICKETS)
def ticket_page(request: HttpRequest, number: str) -> HttpResponse:
    """A ticket beside its list; or, for htmx, the ticket's columns or its conversation."""
    user, ticket = signed_in(request), get_ticket(request, number)
    target = target_of(request)
    if target == "conversation":
        context = {"conversation": load_conversation(ticket, user), "ticket": ticket}
        return show(request, "tickets/_conversation_anew.html", context)
    pane = load_ticket_pane(ticket, user)
    address = Wanted.read(request.GET).address()
    if target == "ticket":
        return show(request, "tickets/_opened.html", {"pane": pane, "list_address": address})
    page: dict[str, object] = {
        "pane": pane,
        "list": load_list_pane(user, request.GET),
        "list_address": address,
    }
    page["composer"] = restored_composer(request, ticket)
    return show(request, "tickets/workspace.html", page)


@require_safe
@needs(Right.SEE_TICKETS)
def list_news(request: HttpRequest) -> HttpResponse:
    """How many tickets of the list have news; 204 while there are none."""
    wanted = Wanted.read(request.GET)
    count = count_news(signed_in(request), wanted, request.GET.get("seit", ""))
    if not count:
        return HttpResponse(status=204)
    return show(request, "tickets/_list_news.html", {"count": count, "address": wanted.address()})


@require_safe
@needs(Right.SEE_TICKETS)
def ticket_news(request: HttpRequest, number: str) -> HttpResponse:
    """The newest mail or note since the one the page ends with; 204 while there is none."""
    ticket, last = get_ticket(request, number), request.GET.get("nach", "")
    newer = newest_after(ticket, last)
    if newer is None:
        return HttpResponse(status=204)
    return show(request, "tickets/_ticket_news.html", {"ticket": ticket, "newer": newer})
