"""„Eingang“: mail that was not taken over, and what an admin does with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from company.rights import Right, needs, signed_in
from intake.incoming_list import (
    PER_PAGE,
    TABS,
    IncomingPaginator,
    count_tabs,
    items_of,
    make_rows,
    read_header,
)
from intake.models import IntakeItem
from intake.set_aside import ignore_all, retry_all
from mailaccounts.models import MailAccount
from mailstore.blobs import get_blob
from mailstore.download import eml_response


@require_safe
@needs(Right.SEE_SETTINGS)
@never_cache
def list_incoming(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    tab = _tab(request.GET.get("ansicht", ""))
    page = IncomingPaginator(items_of(tab), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tab": tab,
        "tabs": count_tabs(tab),
        "rows": make_rows(page, user),
        "page_obj": page,
        "query": urlencode({"ansicht": tab}) + "&",
        "may_act": user.may(Right.ADMINISTER),
    }
    return render(request, "intake/list.html", context)


@require_safe
@needs(Right.SEE_SETTINGS)
@never_cache
def show_incoming(request: HttpRequest, pk: int) -> HttpResponse:
    item = _get(pk)
    user = signed_in(request)
    (row,) = make_rows([item], user)
    header = read_header(item) if row.is_readable else b""
    context = {
        "item": item,
        "row": row,
        "tab": next((key for key, (state, _l) in TABS.items() if state == item.state), ""),
        "header": header.decode("utf-8", "replace").replace("\0", "\ufffd"),
        "may_act": user.may(Right.ADMINISTER),
    }
    return render(request, "intake/detail.html", context)


@require_safe
@needs(Right.SEE_SETTINGS)
@never_cache
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """The kept bytes as .eml; only for those who may read this account's mail."""
    item = _get(pk)
    readable = MailAccount.objects.mail_visible_to(signed_in(request))
    if not item.has_whole_mail or not readable.filter(pk=item.account_id).exists():
        raise Http404
    try:
        raw = get_blob(item.blob)
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    return eml_response(raw, f"eingang-{item.pk}")


@require_POST
@needs(Right.SEE_SETTINGS, to_change=Right.ADMINISTER)
def act(request: HttpRequest) -> HttpResponse:
    """One line's button names its message („erneut“, „ignorieren“), those below the list „alle“ marked."""
    marked = request.POST.getlist("items")
    wanted = {name: request.POST.getlist(name) for name in ("erneut", "ignorieren")}
    retries = [pk for value in wanted["erneut"] for pk in (marked if value == "alle" else [value])]
    others = [
        pk for value in wanted["ignorieren"] for pk in (marked if value == "alle" else [value])
    ]
    tried, ignored = retry_all(_numbers(retries)), ignore_all(_numbers(others))
    _tell(request, tried, ignored, len(retries) + len(others))
    query = {"ansicht": _tab(request.POST.get("ansicht", ""))}
    if str(request.POST.get("page", "")).isdecimal():
        query["page"] = str(request.POST["page"])
    return redirect(f"{reverse('intake:list')}?{urlencode(query)}")


def _tell(request: HttpRequest, tried: int, ignored: int, asked: int) -> None:
    if tried:
        text = ngettext(
            "Eine E-Mail wird jetzt erneut versucht.",
            "%(count)d E-Mails werden jetzt erneut versucht.",
            tried,
        )
        messages.success(request, text % {"count": tried})
    if ignored:
        text = ngettext(
            "Eine E-Mail wird ignoriert.", "%(count)d E-Mails werden ignoriert.", ignored
        )
        messages.success(request, text % {"count": ignored})
    if not asked:
        messages.warning(request, _("Bitte markieren Sie zuerst E-Mails."))
    elif tried + ignored < asked:
        text = ngettext(
            "Eine E-Mail blieb, wie sie ist: Sie ist schon erledigt oder nicht mehr auf dem Server.",
            "%(count)d E-Mails blieben, wie sie sind: Sie sind schon erledigt oder nicht mehr auf "
            "dem Server.",
            asked - tried - ignored,
        )
        messages.warning(request, text % {"count": asked - tried - ignored})


def _numbers(values: list[str]) -> set[int]:
    return {int(value) for value in values[:1000] if value.isdecimal() and len(value) < 19}


def _tab(wanted: str) -> str:
    return wanted if wanted in TABS else next(iter(TABS))


def _get(pk: int) -> IntakeItem:
    items = IntakeItem.objects.exclude(state=IntakeItem.State.DONE)
    return get_object_or_404(items.select_related("account", "folder"), pk=pk)
