"""„E-Mail Archiv“ on the account page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm
from mailaccounts.models import MailAccount
from mailaccounts.panels import Panel


class ArchiveForm(ModelForm[MailAccount]):
    class Meta:
        model = MailAccount
        fields = ("archive_enabled", "archive_days", "archive_forward_to")
        widgets = {"archive_days": forms.NumberInput(attrs={"min": 0, "placeholder": _("nie")})}

    def clean_archive_days(self) -> int | None:
        """0 means never, as empty does."""
        return self.cleaned_data["archive_days"] or None

    def clean_archive_forward_to(self) -> str:
        target = str(self.cleaned_data["archive_forward_to"])
        if target and MailAccount.objects.kept().filter(email__iexact=target).exists():
            raise ValidationError(
                _(
                    "Dieses Postfach holt Poststelle selbst ab: Die E-Mails liefen im Kreis. "
                    "Bitte nennen Sie ein anderes."
                )
            )
        return target


class ArchivePanel(Panel):
    key = "archive"
    title = _("E-Mail Archiv")
    template = "archive/account_panel.html"
    switch = "archive_enabled"
    form_class = ArchiveForm
    admin_fields = ("archive_forward_to",)

    def check(self) -> None:
        target = self.account.archive_forward_to
        if target and target.casefold() == self.account.email.casefold():
            self.form.add_error(
                "archive_forward_to",
                _("Das ist die Adresse dieses Accounts selbst: Die E-Mails liefen im Kreis."),
            )

    def warnings(self) -> list[str]:
        account = self.account
        found: list[Any] = []
        if account.archive_enabled and account.archive_days and account.delete_on_server:
            found.append(
                _now(
                    "„E-Mails auf Server löschen“ ist eingeschaltet und das Archiv löscht nach "
                    "%(days)d Tagen: Danach ist keine Kopie mehr vorhanden."
                )
                % {"days": account.archive_days}
            )
        if account.archive_forward_to and not account.smtp_enabled:
            found.append(_now("Zum Weiterleiten ins Archivpostfach braucht dieser Account SMTP."))
        return found
