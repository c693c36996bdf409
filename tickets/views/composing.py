"""Answering, forwarding, noting; calling a mail back and sending it again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from company.models import User
from company.page_answers import is_htmx, show, target_of
from company.rights import Right, needs, signed_in
from outbox.cancel import cancel
from outbox.models import OutgoingMessage
from outbox.retry import retry
from tickets.add_note import add_note
from tickets.change import change
from tickets.compose import (
    Composer,
    Mode,
    open_composer,
    preview_signature,
    read_composer,
    remember,
    send_composed,
)
from tickets.composer_form import NoteForm
from tickets.conversation import load_message
from tickets.edit_as_new import content_of
from tickets.listing import Wanted, find_tickets, load_row
from tickets.models import Ticket, TicketMessage
from tickets.views.get_ticket import get_ticket
from tickets.workspace import load_list_pane, load_ticket_pane

_SENT = "tickets.last_sent"  # session: the last mail's composer, for „Rückgängig“


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.ANSWER_TICKETS)
def compose(request: HttpRequest, number: str, mode: str) -> HttpResponse:
    """Opens the composer or sends what stands in it. 422: something is wrong; 409: news arrived."""
    user, ticket = signed_in(request), get_ticket(request, number)
    if ticket.merged_into_id is not None:
        raise Http404  # it is answered where it went
    if request.method != "POST":
        restored = _written_anew(request, ticket)
        composer = open_composer(ticket, user, Mode(mode), restored=restored)
        return _show_composer(request, ticket, composer)
    composer = read_composer(ticket, user, Mode(mode), request.POST, request.FILES)
    if not composer.form.is_valid():
        return _show_composer(request, ticket, composer, status=422)
    if composer.newer:
        return _show_composer(request, ticket, composer, status=409)
    before = {"status": ticket.status}
    sent = send_composed(ticket, user, composer.form)
    if sent is None:
        return _show_composer(request, ticket, composer, status=422)
    request.session[_SENT] = {"pk": sent.pk, "before": before} | remember(composer)
    return _after_sending(request, user, ticket, sent)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.ANSWER_TICKETS)
def note(request: HttpRequest, number: str) -> HttpResponse:
    user, ticket = signed_in(request), get_ticket(request, number)
    form = NoteForm(request.POST or None, auto_id="note-%s")
    if request.method == "POST" and form.is_valid():
        add_note(ticket=ticket, author=user, text=form.cleaned_data["text"])
        if not is_htmx(request):
            return redirect("tickets:ticket", number)
        return _show_opened(request, user, ticket, toast=_("Notiz gespeichert."), changed=ticket)
    status = 422 if request.method == "POST" else 200
    return _show_composer(request, ticket, None, note_form=form, status=status)


@require_safe
@needs(Right.ANSWER_TICKETS)
def signature(request: HttpRequest, number: str) -> HttpResponse:
    """The signature of another sender, while one is chosen."""
    user, ticket = signed_in(request), get_ticket(request, number)
    chosen = preview_signature(ticket, user, request.GET.get("sender", ""))
    return show(request, "tickets/_signature.html", {"signature": chosen})


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def undo(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Calls a mail back while it waits, and opens the composer with what stood in it."""
    ticket, outgoing = _get_outgoing(request, number, pk)
    page = reverse("tickets:ticket", args=[ticket.number])
    kept: dict[str, Any] = request.session.get(_SENT, {})
    if not cancel(outgoing):
        messages.warning(request, _("Zu spät: Die Antwort ist schon unterwegs."))
    elif kept.get("pk") == pk:
        page += f"?entwurf={pk}"
        if ticket.status == kept["status_after"]:
            change(ticket=ticket, actor=signed_in(request), **kept["before"])
    if is_htmx(request):
        return HttpResponse(status=200, headers={"HX-Redirect": page})
    return redirect(page)


@require_POST
@needs(Right.SEE_TICKETS, to_change=Right.ANSWER_TICKETS)
def send_again(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    ticket, outgoing = _get_outgoing(request, number, pk)
    retry(outgoing)
    if not is_htmx(request):
        return redirect("tickets:ticket", number)
    message = load_message(ticket, pk, signed_in(request))
    return show(request, "tickets/_message.html", {"message": message, "ticket": ticket})


def _written_anew(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """The content of the answer that `?als_neu=` names."""
    wanted = request.GET.get("als_neu", "")
    if not (wanted.isascii() and wanted.isdigit()):
        return None
    answers = ticket.messages.filter(kind=TicketMessage.Kind.REPLY, outgoing__isnull=False)
    answer = answers.select_related("outgoing", "message").filter(pk=wanted).first()
    if answer is None or answer.message is None:
        return None
    sender = answer.message.from_email
    return content_of(answer, preview_signature(ticket, signed_in(request), sender))


def restored_composer(request: HttpRequest, ticket: Ticket) -> Composer | None:
    """The composer of the mail that `?entwurf=` names, if this person called it back."""
    kept: dict[str, Any] = request.session.get(_SENT, {})
    if not kept or str(kept["pk"]) != request.GET.get("entwurf"):
        return None
    message = ticket.messages.filter(pk=kept["pk"]).select_related("message").first()
    if message is None or message.message is None:
        return None
    files = message.message.attachments.exclude(is_inline=True, content_id__gt="")
    values = {name: value for name, value in kept.items() if name not in ("pk", "mode", "before")}
    values["kept"] = [file.pk for file in files]
    return open_composer(ticket, signed_in(request), Mode(kept["mode"]), restored=values)


def _get_outgoing(request: HttpRequest, number: str, pk: int) -> tuple[Ticket, OutgoingMessage]:
    ticket = get_ticket(request, number)
    found = get_object_or_404(
        ticket.messages.select_related("outgoing__message"), pk=pk, kind=TicketMessage.Kind.REPLY
    )
    if found.outgoing is None:
        raise Http404
    return ticket, found.outgoing


def _show_composer(
    request: HttpRequest,
    ticket: Ticket,
    composer: Composer | None,
    *,
    note_form: NoteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The composer alone for htmx, else on the ticket's page."""
    context: dict[str, object] = {"composer": composer or note_form, "note_form": note_form}
    if target_of(request) in ("composer", "composer-form"):
        context["pane"] = {"ticket": ticket}
        return show(request, "tickets/_composer.html", context, status=status)
    user = signed_in(request)
    context |= {
        "pane": load_ticket_pane(ticket, user),
        "list": load_list_pane(user, request.GET),
        "list_address": Wanted.read(request.GET).address(),
    }
    return show(request, "tickets/workspace.html", context, status=status)


def _after_sending(
    request: HttpRequest, user: User, ticket: Ticket, sent: TicketMessage
) -> HttpResponse:
    """To the next ticket, the list, or the same ticket, as the user has set it; with „Rückgängig“."""
    text, undo_url = _sent_text(user), ""
    if user.undo_seconds:
        undo_url = reverse("tickets:undo", args=[ticket.number, sent.pk])
    if not is_htmx(request):
        messages.success(request, text)
        return redirect("tickets:ticket", ticket.number)
    shown, address = ticket, ""
    if user.after_send == User.AfterSend.NEXT:
        shown = _next_ticket(user, ticket, Wanted.read(request.GET)) or ticket
        address = (
            reverse("tickets:ticket", args=[shown.number]) + Wanted.read(request.GET).address()
        )
    if user.after_send == User.AfterSend.LIST:
        messages.success(request, text)
        address = reverse("tickets:list") + Wanted.read(request.GET).address()
        return HttpResponse(headers={"HX-Redirect": address})
    response = _show_opened(request, user, shown, toast=text, undo_url=undo_url, changed=ticket)
    if address:
        response.headers["HX-Push-Url"] = address
    return response


def _sent_text(user: User) -> str:
    if not user.undo_seconds:
        return _("Die Antwort wird gesendet.")
    return _("Antwort wird in %(n)d s gesendet.") % {"n": user.undo_seconds}


def _next_ticket(user: User, ticket: Ticket, wanted: Wanted) -> Ticket | None:
    """The next older ticket of the list, else its first."""
    if not wanted.view:
        return None
    found = find_tickets(user, wanted).exclude(pk=ticket.pk)
    return found.filter(last_message_at__lt=ticket.created_at).first() or found.first()


def _show_opened(
    request: HttpRequest,
    user: User,
    ticket: Ticket,
    *,
    toast: str,
    changed: Ticket,
    undo_url: str = "",
) -> HttpResponse:
    """The ticket's columns anew and the list's row of the changed one, with a short message."""
    wanted = Wanted.read(request.GET)
    context = {
        "pane": load_ticket_pane(ticket, user),
        "row": load_row(changed, wanted),
        "list_address": wanted.address(),
        "toast": toast,
        "tone": "ok",
        "undo_url": undo_url,
        "undo_seconds": user.undo_seconds if undo_url else 0,
    }
    response = show(request, "tickets/_opened.html", context)
    response.headers["HX-Retarget"] = "#ticket"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
