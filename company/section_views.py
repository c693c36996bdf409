"""List, form and deletion of every Section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, ProtectedError
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.audit import record_changes, snapshot_stored
from company.model_forms import make_read_only
from company.models import User
from company.rights import has_right, signed_in
from company.section import Section

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from company.section import Lines

_PAGE = 50
AnySection = Section[Any]


@require_safe
def list_rows(request: HttpRequest, section: AnySection) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:100]
    page = Paginator(section.rows(query), _PAGE).get_page(request.GET.get("page"))
    context = {
        "section": section,
        "rows": section.show(list(page.object_list)),
        "page_obj": page,
        "q": query,
        "query": urlencode({"q": query}) + "&" if query else "",
        "may_change": has_right(signed_in(request), section.change),
        "new_url": section.view("new"),
    }
    return render(request, "company/section_list.html", context)


def edit_row(request: HttpRequest, section: AnySection, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(section.model, pk=pk) if pk else section.model()
    form = section.make_form(request, row)
    lines = section.make_lines(request, row)
    if request.method == "POST" and form.is_valid() and (lines is None or lines.is_valid()):
        _save(form, lines, signed_in(request))
        messages.success(request, _("„%(name)s“ ist gespeichert.") % {"name": row})
        return redirect(section.url_of(form.instance) if section.page else section.view())
    may_change = has_right(signed_in(request), section.change)
    if not may_change:
        make_read_only(form)
        for line in lines or ():
            make_read_only(line)
    context = {
        "section": section,
        "row": row,
        "form": form,
        "lines": lines,
        "may_change": may_change,
        "back_url": section.url_of(row) if row.pk and section.page else reverse(section.view()),
        "delete_url": section.view("delete"),
        "pages": _links(section.pages, row),
        "actions": _links(section.actions, row) if may_change else [],
    }
    return render(request, section.template, context, status=_status(form, lines))


@require_POST
def delete_row(request: HttpRequest, section: AnySection, pk: int) -> HttpResponse:
    row = get_object_or_404(section.model, pk=pk)
    name = str(row)
    user = signed_in(request)
    refusal = section.why_not_delete(row, user) or _delete(row, user)
    if refusal:
        messages.error(request, refusal)
        return redirect(section.view("edit"), pk=pk)
    messages.success(request, _("„%(name)s“ ist gelöscht.") % {"name": name})
    return redirect(section.view())


def _links(
    named: tuple[tuple[str, _StrOrPromise], ...], row: Model
) -> list[tuple[str, _StrOrPromise]]:
    return [(reverse(name, args=[row.pk]), title) for name, title in named if row.pk]


def _save(form: ModelForm[Any], lines: Lines | None, actor: User) -> None:
    with transaction.atomic():
        before = snapshot_stored(form.instance)
        row = form.save()
        if lines is not None:
            lines.save()
        record_changes(actor, before, snapshot_stored(row))


def _status(form: ModelForm[Any], lines: Lines | None) -> int:
    refused = form.errors or (lines is not None and lines.is_bound and not lines.is_valid())
    return 422 if refused else 200


def _delete(row: Model, actor: User) -> str:
    """Deletes the row, or says what still needs it."""
    try:
        with transaction.atomic():
            before = snapshot_stored(row)
            row.delete()
            record_changes(actor, before, None)
    except ProtectedError as error:
        used_by = sorted(
            {capfirst(str(kept._meta.verbose_name)) for kept in error.protected_objects}
        )
        return _("„%(name)s“ wird noch gebraucht (%(users)s) und kann nicht gelöscht werden.") % {
            "name": row,
            "users": ", ".join(used_by),
        }
    return ""
