"""The mails of a ticket: bodies in frames, files, headers, the original."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from company.page_answers import show
from company.rights import Right, needs, signed_in
from mailstore.download import (
    attachment_response,
    original_response,
    preview_response,
)
from mailstore.mail_pages import frame_response, header_lines, remote_picture_response
from mailstore.models import StoredMessage
from tickets.conversation import load_message
from tickets.views.get_ticket import get_ticket


@require_safe
@needs(Right.SEE_TICKETS)
def mail_frame(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """The body of a mail, for its frame; `?bilder=1` fetches remote pictures through the proxy."""
    mail = _get_mail(request, number, pk)
    return frame_response(
        request,
        mail,
        preview="tickets:preview",
        picture="tickets:remote_picture",
        keys=(number, pk),
    )


@require_safe
@needs(Right.SEE_TICKETS)
def remote_picture(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    _get_mail(request, number, pk)
    return remote_picture_response(request)


@require_safe
@needs(Right.SEE_TICKETS)
def mail_headers(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """All header lines, in a dialog."""
    mail = _get_mail(request, number, pk)
    return show(request, "mailstore/_headers.html", {"headers": header_lines(mail)})


@require_safe
@needs(Right.SEE_TICKETS)
def mail_original(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    return original_response(_get_mail(request, number, pk))


@require_safe
@needs(Right.SEE_TICKETS)
def attachment(request: HttpRequest, number: str, pk: int, file: int) -> HttpResponse:
    mail = _get_mail(request, number, pk)
    return attachment_response(mail, get_object_or_404(mail.attachments.all(), pk=file))


@require_safe
@needs(Right.SEE_TICKETS)
def preview(request: HttpRequest, number: str, pk: int, file: int) -> HttpResponse:
    mail = _get_mail(request, number, pk)
    return preview_response(mail, get_object_or_404(mail.attachments.all(), pk=file))


@require_safe
@needs(Right.SEE_TICKETS)
def mail_state(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """A mail of ours with its state; 204 while that is the one of `?stand=`."""
    ticket = get_ticket(request, number)
    message = load_message(ticket, pk, signed_in(request))
    if message is None or message.delivery is None:
        raise Http404
    if message.delivery.state == request.GET.get("stand"):
        return HttpResponse(status=204)
    return show(request, "tickets/_message.html", {"message": message, "ticket": ticket})


def _get_mail(request: HttpRequest, number: str, pk: int) -> StoredMessage:
    """The stored message behind an entry of a ticket the user may see."""
    ticket = get_ticket(request, number)
    entry = get_object_or_404(ticket.messages.select_related("message"), pk=pk)
    if entry.message is None:
        raise Http404
    return entry.message
