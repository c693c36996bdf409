"""„Versandvorgaben“: how an address wants each kind of document."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from company.model_forms import make_read_only
from company.models import Address
from company.page_answers import show
from company.rights import Right, has_right, needs, signed_in
from documents.forms.delivery import preference_forms


@needs(Right.SEE_ADDRESSES, to_change=Right.EDIT_ADDRESSES)
def edit_preferences(request: HttpRequest, pk: int) -> HttpResponse:
    address = get_object_or_404(Address, pk=pk)
    is_post = request.method == "POST"
    forms = preference_forms(address, request.POST if is_post else None)
    are_valid = [form.is_valid() for form in forms]
    if is_post and all(are_valid):
        with transaction.atomic():
            for form in forms:
                form.save_or_remove()
        messages.success(request, _("Die Versandvorgaben sind gespeichert."))
        return redirect("crm:address", pk)
    may_change = has_right(signed_in(request), Right.EDIT_ADDRESSES)
    if not may_change:
        for form in forms:
            make_read_only(form)
    context = {
        "address": address,
        "kind_forms": forms,
        "error_count": sum(len(form.errors) for form in forms) if is_post else 0,
        "may_change": may_change,
    }
    return show(request, "documents/delivery.html", context, status=422 if is_post else 200)
