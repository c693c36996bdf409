"""„Welcher Account sendet?“: the choice for an address, its reason, and the signature under the mail."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from company.models import Employee, Project
from company.rights import Right, needs
from mailaccounts.senders import NoAccountForSender, choose_account
from mailaccounts.signatures import choose_signature


class QuestionForm(forms.Form):
    absender = forms.EmailField(label=_("Absenderadresse"))
    projekt = forms.ModelChoiceField(
        label=_("Projekt"),
        queryset=Project.objects.filter(is_active=True),
        required=False,
        empty_label=_("ohne Projekt"),
    )
    mitarbeiter = forms.ModelChoiceField(
        label=_("Mitarbeiter"),
        queryset=Employee.objects.filter(is_active=True),
        required=False,
        empty_label=_("niemand Bestimmtes"),
    )


@require_safe
@needs(Right.SEE_SETTINGS)
def which_sender(request: HttpRequest) -> HttpResponse:
    form = QuestionForm(request.GET if "absender" in request.GET else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        try:
            choice = choose_account(form.cleaned_data["absender"])
        except NoAccountForSender as refusal:
            context["refusal"] = refusal.text
        else:
            context["choice"] = choice
            context["signature"] = choose_signature(
                account=choice.account,
                project=form.cleaned_data["projekt"],
                employee=form.cleaned_data["mitarbeiter"],
            )
    status = 422 if form.errors else 200
    return render(request, "mailaccounts/which_sender.html", context, status=status)
