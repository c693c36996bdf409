"""The page of an address and its timeline."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from company.customer_blocks import load_blocks
from company.models import Address, User
from company.page_answers import show, target_of
from company.rights import Right, needs, signed_in
from crm.address_page import Wanted, load_part, load_people


@require_safe
@needs(Right.SEE_ADDRESSES)
def show_address(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; for htmx its timeline, older entries, or 204 while it is that of `?stand=`."""
    user, address = signed_in(request), get_address(pk)
    wanted = Wanted.read(request.GET)
    if target_of(request) in ("timeline", "older"):
        part = load_part(address, user, wanted)
        if request.GET.get("stand") == part.fingerprint:
            return HttpResponse(status=204)
        template = "crm/_entries.html" if wanted.before else "crm/_timeline.html"
        return show(request, template, {"address": address, "part": part})
    return show(request, "crm/address.html", page_context(address, user, wanted))


def get_address(pk: int) -> Address:
    return get_object_or_404(Address.objects.prefetch_related("contacts"), pk=pk)


def page_context(address: Address, user: User, wanted: Wanted) -> dict[str, object]:
    """All of the page but what is being written."""
    people, bounced = load_people(address)
    return {
        "address": address,
        "people": people,
        "bounced": bounced,
        "part": load_part(address, user, wanted),
        "blocks": load_blocks(settings.ADDRESS_BLOCKS, address, user),
        "may_edit": user.may(Right.EDIT_ADDRESSES),
        "may_send": user.may(Right.SEND_MAIL),
        "may_edit_documents": user.may(Right.EDIT_DOCUMENTS),
    }


def show_writing(
    request: HttpRequest,
    address: Address,
    template: str,
    context: dict[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    """A form of the page: alone for htmx, else on the page."""
    if target_of(request) in ("compose", "composer-form"):
        return show(request, template, {"address": address, **context}, status=status)
    page = page_context(address, signed_in(request), Wanted())
    return show(
        request, "crm/address.html", {**page, **context, "writing": template}, status=status
    )


def show_written(
    request: HttpRequest,
    address: Address,
    text: str,
    *,
    undo_url: str = "",
    undo_seconds: int = 0,
) -> HttpResponse:
    """The place of the form empty again, the timeline anew, a short message."""
    part = load_part(address, signed_in(request), Wanted())
    context = {
        "address": address,
        "part": part,
        "toast": text,
        "undo_url": undo_url,
        "undo_seconds": undo_seconds,
        "undo_label": _("Rückgängig"),
    }
    response = show(request, "crm/_written.html", context)
    response.headers["HX-Retarget"] = "#compose"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
