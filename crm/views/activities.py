"""„Telefonat“ and „Notiz“ at the page of an address."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from company.models import Address
from company.page_answers import is_htmx, show
from company.rights import Right, needs, signed_in
from crm.activities import (
    add_activity,
    change_activity,
    delete_activity,
    pin_activity,
    restore_activity,
)
from crm.activity_form import CallForm, NoteForm
from crm.models import Activity
from crm.views.page import get_address, show_writing, show_written

_FORMS: dict[str, type[CallForm] | type[NoteForm]] = {
    Activity.Kind.CALL: CallForm,
    Activity.Kind.NOTE: NoteForm,
}


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.EDIT_ADDRESSES)
def add(request: HttpRequest, pk: int, kind: Activity.Kind) -> HttpResponse:
    address = get_address(pk)
    first = {"happened_at": timezone.now(), "once_key": uuid4().hex, "direction": "out"}
    form = _FORMS[kind](request.POST or None, initial=first, auto_id="activity-%s")
    if request.method != "POST" or not form.is_valid():
        return _show(request, address, form, kind)
    add_activity(
        address=address,
        author=signed_in(request),
        content=form.content(),
        once_key=form.cleaned_data["once_key"] or uuid4().hex,
    )
    is_call = kind == Activity.Kind.CALL
    text = _("Das Telefonat ist festgehalten.") if is_call else _("Die Notiz ist gespeichert.")
    return _written(request, address, text)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.EDIT_ADDRESSES)
def edit(request: HttpRequest, pk: int, activity: int) -> HttpResponse:
    address, found = get_address(pk), _own(request, pk, activity)
    form = _FORMS[found.kind](request.POST or None, instance=found, auto_id="activity-%s")
    if request.method != "POST" or not form.is_valid():
        return _show(request, address, form, Activity.Kind(found.kind))
    # The form has written into its instance: what stood there before is read anew.
    before = _own(request, pk, activity)
    change_activity(activity=before, actor=signed_in(request), content=form.content())
    return _written(request, address, _("Die Änderung ist gespeichert."))


@require_POST
@needs(Right.SEE_ADDRESSES, to_change=Right.EDIT_ADDRESSES)
def pin(request: HttpRequest, pk: int, activity: int) -> HttpResponse:
    found = _own(request, pk, activity)
    pin_activity(activity=found, is_pinned=not found.is_pinned)
    text = _("Die Notiz ist oben angeheftet.") if found.is_pinned else _("Die Notiz ist gelöst.")
    return _written(request, get_address(pk), text)


@require_POST
@needs(Right.SEE_ADDRESSES, to_change=Right.EDIT_ADDRESSES)
def delete(request: HttpRequest, pk: int, activity: int) -> HttpResponse:
    found = _own(request, pk, activity)
    delete_activity(activity=found, actor=signed_in(request))
    undo_url = reverse("crm:activity_restore", args=[pk, activity])
    text = _("Das Telefonat ist gelöscht.") if found.is_call else _("Die Notiz ist gelöscht.")
    return _written(request, get_address(pk), text, undo_url=undo_url)


@require_POST
@needs(Right.SEE_ADDRESSES, to_change=Right.EDIT_ADDRESSES)
def restore(request: HttpRequest, pk: int, activity: int) -> HttpResponse:
    found = get_object_or_404(
        Activity.objects.written_by(signed_in(request)), pk=activity, address=pk
    )
    restore_activity(activity=found, actor=signed_in(request))
    page = reverse("crm:address", args=[pk])
    if is_htmx(request):
        return HttpResponse(headers={"HX-Redirect": page})
    return redirect(page)


@require_safe
@needs(Right.SEE_ADDRESSES)
def history(request: HttpRequest, pk: int, activity: int) -> HttpResponse:
    """What it said before, in a dialog."""
    visible = Activity.objects.visible_to(signed_in(request)).select_related("author")
    found = get_object_or_404(visible, pk=activity, address=pk)
    changes = found.changes.select_related("changed_by")
    return show(request, "crm/_history.html", {"activity": found, "changes": changes})


def _own(request: HttpRequest, pk: int, activity: int) -> Activity:
    """One's own entry; 404 for those of others, 403 is only for whom may change nothing at all."""
    user = signed_in(request)
    visible = Activity.objects.visible_to(user)
    found = get_object_or_404(visible, pk=activity, address=pk)
    if found.author_id != user.pk:
        raise Http404
    return found


def _show(
    request: HttpRequest, address: Address, form: CallForm | NoteForm, kind: Activity.Kind
) -> HttpResponse:
    context: dict[str, object] = {"form": form, "is_call": kind == Activity.Kind.CALL}
    status = 422 if form.is_bound else 200
    return show_writing(request, address, "crm/_activity_form.html", context, status=status)


def _written(
    request: HttpRequest, address: Address, text: str, *, undo_url: str = ""
) -> HttpResponse:
    if not is_htmx(request):
        messages.success(request, text)
        return redirect("crm:address", address.pk)
    return show_written(request, address, text, undo_url=undo_url)
