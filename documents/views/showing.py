"""A document's page, its PDF, and its release."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.page_answers import show
from company.rights import Right, needs, signed_in
from documents.badges import document_badge
from documents.errors import NotPossible
from documents.freeze import read_pdf
from documents.german_format import format_quantity
from documents.history import dispatch_history, fingerprint
from documents.letter import compose_letter
from documents.models import Dispatch, Document, Position
from documents.release import release, withdraw_release
from documents.totals import add_up
from documents.views.answer import file_response, get_document


@dataclass(frozen=True, slots=True)
class _PositionRow:
    position: Position
    quantity: str  # with its unit
    total: Decimal


def _quantity(position: Position) -> str:
    return f"{format_quantity(position.quantity)} {position.unit}".strip()


def page_context(request: HttpRequest, document: Document) -> dict[str, object]:
    """What the page and its live parts show."""
    positions = list(document.positions.all())
    totals = add_up(positions)
    history = dispatch_history(document, signed_in(request))
    states = {line.dispatch.state for line in history}
    is_under_way = not states.isdisjoint(Dispatch.UNDER_WAY)
    return {
        "document": document,
        "positions": [
            _PositionRow(position, _quantity(position), total)
            for position, total in zip(positions, totals.lines, strict=True)
        ],
        "totals": totals,
        "letter_text": compose_letter(document).intro if document.kind.is_letter else "",
        "files": document.files.all(),
        "history": history,
        "is_under_way": is_under_way,
        "fingerprint": fingerprint(history),
        "badge": document_badge(
            document,
            has_failed=not states.isdisjoint(Dispatch.STUCK),
            is_under_way=is_under_way,
        ),
        "may_edit": signed_in(request).may(Right.EDIT_DOCUMENTS),
    }


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    return show(request, "documents/detail.html", page_context(request, document))


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The „Versand“ table and the banner, asked for again while something is under way."""
    context = page_context(request, get_document(request, pk))
    if request.GET.get("stand") == context["fingerprint"]:
        return HttpResponse(status=204)
    return show(request, "documents/_history_live.html", context)


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF in its own tab: as it was sent, or as it would be sent now."""
    document = get_document(request, pk)
    as_attachment = "herunterladen" in request.GET
    return file_response(
        read_pdf(document), document.file_name, "application/pdf", as_attachment=as_attachment
    )


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def release_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    try:
        release(document=document)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(document)s ist freigegeben.") % {"document": document})
    return redirect("documents:detail", pk)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def withdraw_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    try:
        withdraw_release(document=document)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Die Freigabe ist zurückgenommen."))
    return redirect("documents:detail", pk)
