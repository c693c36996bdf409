"""„E-Mail schreiben“ at the page of an address; looking at it first; calling it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from company.models import Address, User
from company.page_answers import is_htmx, show
from company.rights import Right, needs, signed_in
from crm.emails import mailboxes_of
from crm.mail_composer import (
    MailComposer,
    open_composer,
    preview_signature,
    read_composer,
    remember,
    restore,
)
from crm.mail_composer import load_template as with_template
from crm.views.page import get_address, show_writing, show_written
from crm.write_mail import MailRefused, compose, write_mail
from documents.preview import preview_mail
from mailcore.messages import Mailbox
from outbox.cancel import cancel
from outbox.models import OutgoingMessage

_SENT = "crm.last_mail"  # session: the last mail's composer, for „Rückgängig“


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.SEND_MAIL)
def compose_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens the composer or sends what stands in it. 422: something is wrong."""
    user, address = signed_in(request), get_address(pk)
    if request.method != "POST":
        restored = _restored(request, address)
        to = _people_asked_for(request, address)
        return _show(request, address, open_composer(address, user, to, restored=restored))
    composer = read_composer(address, user, request.POST, request.FILES)
    if not composer.form.is_valid():
        return _show(request, address, composer, status=422)
    try:
        sent = write_mail(
            address=address,
            author=user,
            content=composer.form.content(),
            once_key=composer.form.cleaned_data["once_key"],
        )
    except MailRefused as refusal:
        composer.form.show_refusal(refusal)
        return _show(request, address, composer, status=422)
    request.session[_SENT] = remember(sent, composer.form)
    return _after_sending(request, user, address, sent)


@require_POST
@needs(Right.SEND_MAIL)
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The very mail in a dialog; what is wrong is shown in the form."""
    user, address = signed_in(request), get_address(pk)
    composer = read_composer(address, user, request.POST, request.FILES)
    if composer.form.is_valid():
        try:
            mail = compose(address=address, author=user, content=composer.form.content())
        except MailRefused as refusal:
            composer.form.show_refusal(refusal)
        else:
            return show(request, "documents/_mail_preview.html", {"mail": preview_mail(mail)})
    response = _show(request, address, composer, status=422)
    response.headers["HX-Retarget"] = "#composer-form"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


@require_POST
@needs(Right.SEND_MAIL)
def load_template(request: HttpRequest, pk: int) -> HttpResponse:
    """„Vorlage laden“: subject, text and files of the chosen one; nothing else on screen changes."""
    user, address = signed_in(request), get_address(pk)
    composer = with_template(address, user, request.POST)
    if is_htmx(request):
        return show(request, "crm/_mail_text.html", {"address": address, "composer": composer})
    return _show(request, address, composer)


@require_safe
@needs(Right.SEND_MAIL)
def signature(request: HttpRequest, pk: int) -> HttpResponse:
    """The signature of another sender or project, while one is chosen."""
    get_address(pk)
    sender, project = request.GET.get("sender", ""), request.GET.get("project", "")
    chosen = preview_signature(signed_in(request), sender, project)
    return show(request, "tickets/_signature.html", {"signature": chosen})


@require_POST
@needs(Right.SEE_ADDRESSES, to_change=Right.SEND_MAIL)
def undo(request: HttpRequest, pk: int, outgoing: int) -> HttpResponse:
    """Calls one's own mail back while it waits, and opens the composer with what stood in it."""
    mail = get_object_or_404(
        OutgoingMessage.objects.filter(
            origin=OutgoingMessage.Origin.LETTER, created_by=signed_in(request)
        ),
        pk=outgoing,
        address=pk,
    )
    page = reverse("crm:address", args=[pk])
    if not cancel(mail):
        messages.warning(request, _("Zu spät: Die E-Mail ist schon unterwegs."))
    else:
        page = f"{reverse('crm:mail', args=[pk])}?entwurf={outgoing}"
    if is_htmx(request):
        return HttpResponse(status=200, headers={"HX-Redirect": page})
    return redirect(page)


def _restored(request: HttpRequest, address: Address) -> dict[str, Any] | None:
    """What stood in the mail that `?entwurf=` names, if this person called it back."""
    kept: dict[str, Any] = request.session.get(_SENT, {})
    if not kept or str(kept["pk"]) != request.GET.get("entwurf"):
        return None
    mail = OutgoingMessage.objects.filter(
        pk=kept["pk"], address=address, created_by=signed_in(request)
    )
    found = mail.select_related("message").first()
    return restore(found, kept) if found else None


def _people_asked_for(request: HttpRequest, address: Address) -> tuple[Mailbox, ...]:
    """The person of `?an=`, if one of the address; else the first there is."""
    people = mailboxes_of(address, address.contacts.all())
    asked = request.GET.get("an", "").strip().lower()
    named = tuple(one for one in people if one.email.lower() == asked)
    return named[:1] or people[:1]


def _show(
    request: HttpRequest, address: Address, composer: MailComposer, *, status: int = 200
) -> HttpResponse:
    context: dict[str, object] = {
        "composer": composer,
        "mailboxes": mailboxes_of(address, address.contacts.all()),
    }
    return show_writing(request, address, "crm/_mail_form.html", context, status=status)


def _after_sending(
    request: HttpRequest, user: User, address: Address, sent: OutgoingMessage
) -> HttpResponse:
    seconds = user.undo_seconds
    text = _("E-Mail wird in %(n)d s gesendet.") % {"n": seconds} if seconds else ""
    text = text or _("Die E-Mail wird gesendet.")
    if not is_htmx(request):
        messages.success(request, text)
        return redirect("crm:address", address.pk)
    undo_url = reverse("crm:mail_undo", args=[address.pk, sent.pk]) if seconds else ""
    return show_written(request, address, text, undo_url=undo_url, undo_seconds=seconds)
