"""„Protokoll“: who changed which setting when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from company.models import SettingsChange, User
from company.page_answers import asked_for, filter_context
from company.rights import Right, needs

_PAGE = 50


class FilterForm(forms.Form):
    """By person, kind and name of the object; `nummer` is one object of the kind."""

    person = forms.ModelChoiceField(
        label=_("Person"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Alle Personen"),
    )
    art = forms.ChoiceField(
        label=_("Art"),
        choices=[("", _("Alle Einstellungen")), *SettingsChange.Kind.choices],
        required=False,
    )
    nummer = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    q = forms.CharField(label=_("Suchen"), required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = SettingsChange.objects.order_by().values("user_id").distinct()
        self.fields["person"].queryset = User.objects.filter(pk__in=people)  # type: ignore[attr-defined]

    def narrow(self, changes: QuerySet[SettingsChange]) -> QuerySet[SettingsChange]:
        """The changes asked for; a value that makes no sense narrows nothing."""
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("person"):
            changes = changes.filter(user=wanted["person"])
        if wanted.get("art"):
            changes = changes.filter(kind=wanted["art"])
            if wanted.get("nummer"):
                changes = changes.filter(object_id=wanted["nummer"])
        for word in wanted.get("q", "").split():
            changes = changes.filter(label__icontains=word) | changes.filter(field__icontains=word)
        return changes


@require_safe
@needs(Right.SEE_SETTINGS)
def list_changes(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    found = form.narrow(SettingsChange.objects.all())
    context = {
        "form": form,
        "page_obj": Paginator(found, _PAGE).get_page(request.GET.get("page")),
        **filter_context(asked_for(request, form)),
    }
    return render(request, "company/audit.html", context)
