"""„Postausgang“: the list, a message with its protocol, and what a person may do with it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from company.page_answers import asked_for, filter_context, private
from company.rights import Right, needs, signed_in
from mailstore.download import (
    attachment_response,
    can_preview,
    original_response,
    preview_response,
)
from mailstore.mail_pages import frame_response, remote_picture_response
from outbox.cancel import cancel
from outbox.detail import view_attempts, view_recipients, view_state
from outbox.editors import find_editor
from outbox.listing import (
    PER_PAGE,
    FilterForm,
    OutgoingPaginator,
    fingerprint,
    make_rows,
    narrow,
)
from outbox.mark_sent import mark_sent
from outbox.models import OutgoingMessage, OutgoingQuerySet
from outbox.retry import retry, retry_certain, retry_sent_copy
from outbox.send_now import send_now


@require_safe
@needs(Right.SEE_OUTBOX)
def list_outgoing(request: HttpRequest) -> HttpResponse:
    """The list; with `?stand=` its rows alone, or 204 while nothing in them has changed."""
    user = signed_in(request)
    form = FilterForm(request.GET, user=user)
    found = narrow(OutgoingMessage.objects.visible_to(user), form)
    loaded = found.select_related("message", "account").prefetch_related("recipients")
    loaded = loaded.defer("message__text", "message__search_text")
    page = OutgoingPaginator(loaded, PER_PAGE).get_page(request.GET.get("page"))
    rows = make_rows(page)
    stand = fingerprint(rows)
    if request.GET.get("stand") == stand:
        return HttpResponse(status=204)
    asked = asked_for(request, form)
    poll = urlencode({**asked, "page": str(page.number), "stand": stand})
    context = {
        "form": form,
        "rows": rows,
        "page_obj": page,
        **filter_context(asked),
        "poll_url": f"{reverse('outbox:list')}?{poll}",
        "may_act": user.may(Right.MANAGE_OUTBOX),
        "address": request.GET.urlencode(),
    }
    template = "outbox/_rows.html" if "stand" in request.GET else "outbox/list.html"
    return render(request, template, context)


@require_safe
@needs(Right.SEE_OUTBOX)
def show_outgoing(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = _get(request, pk)
    files = outgoing.message.attachments.filter(is_inline=False)
    context = {
        **_state_context(request, outgoing),
        "files": [{"row": file, "has_preview": can_preview(file)} for file in files],
        "editor": find_editor(outgoing, signed_in(request)),
        "replaced_by": _visible(request).filter(replaces=outgoing).order_by("pk"),
        "replaces": _visible(request).filter(pk=outgoing.replaces_id or 0).first(),
    }
    return private(render(request, "outbox/detail.html", context))


@require_safe
@needs(Right.SEE_OUTBOX)
def show_state(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part of the page; 204 while the state is the one of `?stand=`."""
    outgoing = _get(request, pk)
    context = _state_context(request, outgoing)
    if context["stand"] == request.GET.get("stand"):
        return HttpResponse(status=204)
    return private(render(request, "outbox/_state.html", context))


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def retry_outgoing(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, retry, _("Die E-Mail wird erneut gesendet."))


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def cancel_outgoing(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, cancel, _("Die E-Mail wird nicht gesendet."))


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def send_outgoing_now(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, send_now, _("Die E-Mail wird jetzt gesendet."))


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def act_on_many(request: HttpRequest) -> HttpResponse:
    """„Erneut senden“, „Jetzt senden“ or „Abbrechen“ for the marked messages of a page."""
    wanted = request.POST.get("tun", "")
    action = _ON_MANY.get(wanted)
    if action is None:
        raise Http404
    pks = [int(pk) for pk in request.POST.getlist("pk")[:PER_PAGE] if pk.isdecimal()]
    visible = OutgoingMessage.objects.visible_to(signed_in(request))
    chosen = list(visible.filter(pk__in=pks).order_by("pk"))
    changed = sum(action(outgoing) for outgoing in chosen)
    if changed:
        messages.success(request, _many_done(wanted, changed))
    if not chosen:
        messages.warning(request, _("Markieren Sie zuerst die E-Mails in der Liste."))
    elif changed < len(chosen):
        left = len(chosen) - changed
        text = ngettext(
            "Bei %(n)d E-Mail geht das in ihrem Zustand nicht.",
            "Bei %(n)d E-Mails geht das in ihrem Zustand nicht.",
            left,
        )
        messages.warning(request, text % {"n": left})
    back = request.POST.get("zurueck", "")
    return redirect(f"{reverse('outbox:list')}?{back}" if back else "outbox:list")


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def mark_outgoing_sent(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, mark_sent, _("Die E-Mail ist als gesendet markiert."))


@require_POST
@needs(Right.SEE_OUTBOX, to_change=Right.MANAGE_OUTBOX)
def retry_copy(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, retry_sent_copy, _("Die Kopie wird erneut abgelegt."))


@require_safe
@needs(Right.SEE_OUTBOX)
def original(request: HttpRequest, pk: int) -> HttpResponse:
    return original_response(_get(request, pk).message)


@require_safe
@needs(Right.SEE_OUTBOX)
def frame(request: HttpRequest, pk: int) -> HttpResponse:
    """The body, for its frame; `?bilder=1` fetches remote pictures through the proxy."""
    mail = _get(request, pk).message
    return frame_response(
        request, mail, preview="outbox:preview", picture="outbox:picture", keys=(pk,)
    )


@require_safe
@needs(Right.SEE_OUTBOX)
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    _get(request, pk)
    return remote_picture_response(request)


@require_safe
@needs(Right.SEE_OUTBOX)
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    mail = _get(request, pk).message
    return attachment_response(mail, get_object_or_404(mail.attachments.all(), pk=file))


@require_safe
@needs(Right.SEE_OUTBOX)
def preview(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    mail = _get(request, pk).message
    return preview_response(mail, get_object_or_404(mail.attachments.all(), pk=file))


def _many_done(action: str, count: int) -> str:
    match action:
        case "erneut":
            text = ngettext(
                "%(n)d E-Mail wird erneut gesendet.", "%(n)d E-Mails werden erneut gesendet.", count
            )
        case "jetzt":
            text = ngettext(
                "%(n)d E-Mail wird jetzt gesendet.", "%(n)d E-Mails werden jetzt gesendet.", count
            )
        case _:
            text = ngettext(
                "%(n)d E-Mail wird nicht gesendet.", "%(n)d E-Mails werden nicht gesendet.", count
            )
    return text % {"n": count}


_ON_MANY: dict[str, Callable[[OutgoingMessage], bool]] = {
    "erneut": retry_certain,
    "jetzt": send_now,
    "abbrechen": cancel,
}


def _get(request: HttpRequest, pk: int) -> OutgoingMessage:
    """The message; 404 where it does not exist for this user."""
    related = _visible(request).select_related("account", "created_by")
    return get_object_or_404(related.prefetch_related("recipients"), pk=pk)


def _visible(request: HttpRequest) -> OutgoingQuerySet:
    return OutgoingMessage.objects.visible_to(signed_in(request)).select_related("message")


def _state_context(request: HttpRequest, outgoing: OutgoingMessage) -> dict[str, object]:
    return {
        "outgoing": outgoing,
        "state": view_state(outgoing, signed_in(request)),
        "recipients": view_recipients(outgoing),
        "attempts": view_attempts(outgoing),
        "stand": f"{outgoing.state}-{outgoing.attempts.count()}-{outgoing.sent_copy}",
    }


def _act(
    request: HttpRequest, pk: int, action: Callable[[OutgoingMessage], bool], done: str
) -> HttpResponse:
    if action(_get(request, pk)):
        messages.success(request, done)
    else:
        messages.warning(request, _("Der Zustand der E-Mail hat sich inzwischen geändert."))
    return redirect("outbox:detail", pk=pk)
