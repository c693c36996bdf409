"""„Ticketsystem“ on the account page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm
from company.models import Project
from mailaccounts.models import MailAccount
from mailaccounts.panels import Panel


class TicketForm(ModelForm[MailAccount]):
    delete_confirmation = forms.CharField(
        label=_("Zum Bestätigen die E-Mail Adresse des Accounts eingeben"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    class Meta:
        model = MailAccount
        fields = (
            "tickets_enabled",
            "project",
            "queue",
            "since_date",
            "reply_from_incoming",
            "delete_on_server",
            "close_tickets",
        )
        widgets = {
            "tickets_enabled": forms.CheckboxInput(attrs={"data-reveals": "ticket-settings"}),
            "since_date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "delete_on_server": forms.CheckboxInput(attrs={"data-reveals": "delete-confirmation"}),
        }
        help_texts = {
            "reply_from_incoming": _(
                "Die Antwort geht von der Adresse aus, an die die E-Mail gerichtet war, sofern der "
                "Account mit ihr senden darf – sonst von der Adresse des Accounts."
            ),
            "delete_on_server": _(
                "E-Mails werden nach dem Empfang unwiderruflich vom Server gelöscht. Ohne diese "
                "Einstellung löscht Poststelle dort nichts."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.objects.filter(is_active=True)
        if self.instance.project_id:
            projects |= Project.objects.filter(pk=self.instance.project_id)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]


class TicketPanel(Panel):
    key = "ticket"
    title = _("Ticketsystem")
    template = "tickets/account_panel.html"
    form_class = TicketForm

    def check(self) -> None:
        account, form = self.account, self.form
        if not account.delete_on_server:
            return
        if not (account.tickets_enabled or account.archive_enabled):
            form.add_error(
                "delete_on_server",
                _(
                    "Das geht nur mit Ticketsystem oder Archiv: Sonst bliebe die E-Mail nirgends "
                    "erhalten."
                ),
            )
        if self.saved is not None and self.saved.delete_on_server:
            return
        typed = str(form.cleaned_data.get("delete_confirmation", "")).strip()
        if typed.casefold() != account.email.casefold():
            form.add_error(
                "delete_confirmation",
                _("Bitte geben Sie „%(email)s“ ein: Gelöschte E-Mails holt niemand zurück.")
                % {"email": account.email},
            )
