"""„Mitarbeiter“ and „Eigene Signatur“ of an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from company.model_forms import EMPLOYEE_VARIABLES, ModelForm, RichText
from company.models import Employee
from company.signature_html import clean_signature_html
from mailaccounts.models import MailAccount


class EmployeeForm(ModelForm[MailAccount]):
    class Meta:
        model = MailAccount
        fields = ("employees",)
        widgets = {"employees": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = Employee.objects.filter(is_active=True)
        if self.instance.pk:
            shown |= Employee.objects.filter(mail_accounts=self.instance)
        self.fields["employees"].queryset = shown.distinct()  # type: ignore[attr-defined]


class SignatureForm(ModelForm[MailAccount]):
    class Meta:
        model = MailAccount
        fields = ("signature_active", "signature_html")
        widgets = {"signature_html": RichText(EMPLOYEE_VARIABLES, is_signature=True)}

    def clean_signature_html(self) -> str:
        return clean_signature_html(self.cleaned_data["signature_html"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        html = values.get("signature_html", "")
        is_empty = not strip_tags(html).replace("&nbsp;", "").strip() and "<img" not in html
        if values.get("signature_active") and is_empty:
            self.add_error("signature_html", _("Bitte geben Sie eine Signatur ein."))
        return values
