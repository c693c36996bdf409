"""„Zugriffe“: who used the archive how, for auditors and admins."""

from __future__ import annotations

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from archive.models import ArchiveAccess, ArchiveEntry
from company.models import User
from company.page_answers import asked_for, filter_context
from company.rights import Right, needs, signed_in

_PER_PAGE = 50


class AccessFilterForm(forms.Form):
    person = forms.ModelChoiceField(
        label=_("Person"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Alle Personen"),
    )
    art = forms.ChoiceField(
        label=_("Art"),
        choices=[("", _("Alle Zugriffe")), *ArchiveAccess.Action.choices],
        required=False,
    )

    def __init__(self, data: object) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        people = ArchiveAccess.objects.order_by().values("user_id").distinct()
        self.fields["person"].queryset = User.objects.filter(pk__in=people)  # type: ignore[attr-defined]

    def narrow(self, accesses: QuerySet[ArchiveAccess]) -> QuerySet[ArchiveAccess]:
        self.is_valid()
        if self.cleaned_data.get("person"):
            accesses = accesses.filter(user=self.cleaned_data["person"])
        if self.cleaned_data.get("art"):
            accesses = accesses.filter(action=self.cleaned_data["art"])
        return accesses


@require_safe
@needs(Right.SEE_SETTINGS)
def list_accesses(request: HttpRequest) -> HttpResponse:
    form = AccessFilterForm(request.GET)
    related = ArchiveAccess.objects.select_related("entry__message", "entry__account")
    loaded = related.defer("entry__message__text", "entry__message__search_text")
    page = Paginator(form.narrow(loaded), _PER_PAGE).get_page(request.GET.get("page"))
    shown = [access.entry_id for access in page if access.entry_id]
    readable = ArchiveEntry.objects.visible_to(signed_in(request)).filter(pk__in=shown)
    context = {
        "form": form,
        "page_obj": page,
        **filter_context(asked_for(request, form)),
        # Subjects of personal mail are for those who may read it.
        "readable": set(readable.values_list("pk", flat=True)),
    }
    return render(request, "archive/accesses.html", context)
