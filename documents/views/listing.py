"""The list of documents."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from company.models import Address
from company.page_answers import show
from company.rights import Right, needs, signed_in
from documents.listing import Wanted, find_documents, page_of_rows
from documents.models import Document, DocumentKind


@require_safe
@needs(Right.SEE_DOCUMENTS)
def list_documents(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    wanted = Wanted.read(request.GET)
    found = find_documents(Document.objects.visible_to(user), wanted)
    page, rows = page_of_rows(found, request.GET.get("page", "1"))
    context = {
        "rows": rows,
        "page_obj": page,
        "query": wanted.query_string,
        "wanted": wanted,
        "kinds": DocumentKind.objects.all(),
        "states": Document.State.choices,
        "address": Address.objects.filter(pk=wanted.address).first() if wanted.address else None,
        "may_edit": user.may(Right.EDIT_DOCUMENTS),
    }
    return show(request, "documents/list.html", context)
