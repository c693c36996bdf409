"""„Eingang“: mail that was not taken over, and what an admin does with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from company.page_answers import private
from company.rights import Right, needs, signed_in
from intake.export import export_items
from intake.incoming_list import (
    MOST,
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
@needs(Right.SEE_SETTINGS)
def export(request: HttpRequest) -> HttpResponseBase:
    """The marked messages as a ZIP; only those of accounts whose mail the user may read."""
    readable = MailAccount.objects.mail_visible_to(signed_in(request))
    wanted = IntakeItem.objects.filter(
        pk__in=_numbers(request.POST.getlist("items")), account__in=readable
    ).exclude(state=IntakeItem.State.DONE)
    packed = export_items(wanted.select_related("account", "folder").order_by("pk"))
    if not packed.count:
        packed.file.close()
        text = _(
            "Zum Exportieren ist nichts da: Bitte markieren Sie E-Mails, die gespeichert sind."
        )
        messages.warning(request, text)
        return _back_to_list(request)
    name = f"eingang-{timezone.localdate():%Y-%m-%d}.zip"
    response = FileResponse(packed.file, as_attachment=True, filename=name)
    return private(response)


@require_POST
@needs(Right.SEE_SETTINGS, to_change=Right.ADMINISTER)
def act(request: HttpRequest) -> HttpResponse:
    """„erneut“ and „ignorieren“ name a message, „alle“ = the marked ones, „ansicht“ = the whole tab."""
    retries, others = (_wanted(request, name) for name in ("erneut", "ignorieren"))
    tried, ignored = retry_all(retries), ignore_all(others)
    _tell(request, tried, ignored, len(retries) + len(others))
    return _back_to_list(request)


def _wanted(request: HttpRequest, action: str) -> set[int]:
    match request.POST.get(action, ""):
        case "alle":
            return _numbers(request.POST.getlist("items"))
        case "ansicht":
            tab = items_of(_tab(request.POST.get("ansicht", "")))
            return set(tab.values_list("pk", flat=True)[:MOST])
        case one:
            return _numbers([one])


def _back_to_list(request: HttpRequest) -> HttpResponse:
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
