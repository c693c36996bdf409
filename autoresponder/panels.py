"""„Autoresponder“ on the account page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from autoresponder.models import Autoresponder
from company.audit import read_fields
from company.model_forms import ModelForm
from mailaccounts.models import MailAccount
from mailaccounts.panels import Panel

TICKET = "{TICKET}"
TICKET_REFUSED = _("{TICKET} geht hier nicht: Der Account legt keine Tickets an.")


class AutoresponderForm(ModelForm[Autoresponder]):
    class Meta:
        model = Autoresponder
        fields = ("is_active", "once_a_day", "subject", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 7})}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("is_active"):
            if not values.get("subject") and "subject" not in self.errors:
                self.add_error("subject", _("Bitte geben Sie einen Betreff ein."))
            if not values.get("text", "").strip() and "text" not in self.errors:
                self.add_error("text", _("Bitte geben Sie einen Text ein."))
        return values


class AutoresponderPanel(Panel):
    key = "autoresponder"
    title = _("Autoresponder")
    template = "autoresponder/account_panel.html"
    switch = "is_active"
    form_class = AutoresponderForm

    def make_form(self) -> forms.ModelForm[Autoresponder]:
        return AutoresponderForm(self.data, instance=self._row(), prefix=self.key)

    def _row(self) -> Autoresponder:
        row = None
        if self.account.pk:
            row = Autoresponder.objects.filter(account=self.account).first()
        return row or Autoresponder()

    def check(self) -> None:
        values = self.form.cleaned_data
        if self.account.tickets_enabled or not values.get("is_active"):
            return
        for name in ("subject", "text"):
            if TICKET in values.get(name, ""):
                self.form.add_error(name, TICKET_REFUSED)

    def save(self) -> None:
        row: Autoresponder = self.form.save(commit=False)
        row.account = self.account
        if row.pk or row.is_active or row.subject or row.text:
            row.save()

    def copy_from(self, source: MailAccount) -> None:
        row = Autoresponder.objects.filter(account=source).first()
        if row is not None:
            self.form.initial.update(forms.model_to_dict(row, self.form.fields))

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        row = Autoresponder.objects.filter(account=account).first() or Autoresponder()
        title = _now("Autoresponder")
        values = read_fields(row, leave_out=("account",))
        return {f"{title}: {name}": str(text) for name, text in values.items()}

    def warnings(self) -> list[str]:
        row: Autoresponder = self.form.instance
        if row.is_active and not self.account.smtp_enabled:
            return [_now("Zum Antworten braucht der Autoresponder SMTP.")]
        return []
