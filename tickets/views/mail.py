"""The mails of a ticket: bodies in frames, files, headers, the original."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from company.models import CompanySettings
from company.rights import Right, needs, signed_in
from mailstore.download import (
    attachment_response,
    original_response,
    picture_response,
    preview_response,
)
from mailstore.models import StoredAttachment, StoredMessage
from mailstore.proxy import PictureRefused, fetch_signed, sign_address
from mailstore.view import mail_frame_response, read_headers, render_body
from tickets.conversation import load_message
from tickets.views.answer import get_ticket, show

log = logging.getLogger(__name__)


@require_safe
@needs(Right.SEE_TICKETS)
def mail_frame(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """The body of a mail, for its frame; `?bilder=1` fetches remote pictures through the proxy."""
    mail = _get_mail(request, number, pk)
    wants_pictures = "bilder" in request.GET or not CompanySettings.load().block_external_content

    def cid_url(attachment: StoredAttachment) -> str:
        return reverse("tickets:preview", args=[number, pk, attachment.pk])

    def remote_url(address: str) -> str:
        page = reverse("tickets:remote_picture", args=[number, pk])
        return f"{page}?{urlencode({'u': sign_address(address)})}"

    body = render_body(mail, cid_url=cid_url, remote_url=remote_url if wants_pictures else None)
    return mail_frame_response(request, body, subject=mail.subject, show_remote="?bilder=1")


@require_safe
@needs(Right.SEE_TICKETS)
def remote_picture(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    _get_mail(request, number, pk)
    try:
        picture = fetch_signed(request.GET.get("u", ""))
    except PictureRefused as error:
        log.info("remote picture in ticket %s refused: %s", number, error)
        raise Http404 from error
    return picture_response(picture.content, picture.content_type)


@require_safe
@needs(Right.SEE_TICKETS)
def mail_headers(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """All header lines, in a dialog."""
    mail = _get_mail(request, number, pk)
    try:
        headers = read_headers(mail)
    except (FileNotFoundError, ValueError):
        headers = ()
    return show(request, "tickets/_headers.html", {"mail": mail, "headers": headers})


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
