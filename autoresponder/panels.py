"""„Autoresponder“ on the account page."""

from __future__ import annotations

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from autoresponder.forms import TEXTS, AutoresponderForm
from autoresponder.models import Autoresponder
from company.audit import read_fields
from mailaccounts.models import MailAccount
from mailaccounts.panels import Panel

TICKET = "{TICKET}"
TICKET_REFUSED = _("{TICKET} geht hier nicht: Der Account legt keine Tickets an.")


class AutoresponderPanel(Panel):
    key = "autoresponder"
    title = _("Autoresponder")
    template = "autoresponder/account_panel.html"
    switch = "is_active"
    form_class = AutoresponderForm

    def make_form(self) -> forms.ModelForm[Autoresponder]:
        row = self._row()
        return AutoresponderForm(
            self.data,
            instance=row,
            prefix=self.key,
            initial={"office_days": list(row.office_days)},
        )

    def _row(self) -> Autoresponder:
        row = None
        if self.account.pk:
            row = Autoresponder.objects.filter(account=self.account).first()
        return row or Autoresponder()

    def check(self) -> None:
        values = self.form.cleaned_data
        if self.account.tickets_enabled or not values.get("is_active"):
            return
        for name in TEXTS:
            if TICKET in (values.get(name) or ""):
                self.form.add_error(name, TICKET_REFUSED)

    def save(self) -> None:
        row: Autoresponder = self.form.save(commit=False)
        row.account = self.account
        if row.pk or row.is_active or row.subject or row.text:
            row.save()

    def copy_from(self, source: MailAccount) -> None:
        row = Autoresponder.objects.filter(account=source).first()
        if row is not None:
            copied = forms.model_to_dict(row, self.form.fields)
            self.form.initial.update(copied | {"office_days": list(row.office_days)})

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        row = Autoresponder.objects.filter(account=account).first() or Autoresponder()
        title = _now("Autoresponder")
        values = read_fields(row, leave_out=("account",))
        return {f"{title}: {name}": str(text) for name, text in values.items()}

    def warnings(self) -> list[str]:
        row: Autoresponder = self.form.instance
        if not row.is_active:
            return []
        found = []
        if not self.account.smtp_enabled:
            found.append(_now("Zum Antworten braucht der Autoresponder SMTP."))
        last = row.period_last
        if row.when == Autoresponder.When.PERIOD and last and last < timezone.localdate():
            found.append(_now("Der Zeitraum des Autoresponders ist vorbei: Er antwortet nicht."))
        return found
