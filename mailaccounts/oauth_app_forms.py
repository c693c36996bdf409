"""The registrations with Google and Microsoft, as an admin enters them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from company.models import CompanySettings
from mailaccounts.oauth_apps import save_oauth_app
from mailcore.oauth_providers import MICROSOFT, OAuthApp

_OFF = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class OAuthAppForm(forms.Form):
    """One provider's registration. The secret is write-only and good for its client id alone."""

    client_id = forms.CharField(
        label=_("Anwendungs-ID (Client)"),
        required=False,
        max_length=200,
        widget=forms.TextInput(_OFF),
    )
    client_secret = forms.CharField(
        label=_("Geheimnis"),
        required=False,
        strip=True,
        max_length=500,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    tenant = forms.CharField(
        label=_("Verzeichnis-ID (Mandant)"),
        required=False,
        max_length=100,
        widget=forms.TextInput(_OFF),
        help_text=_(
            "Die Verzeichnis-ID Ihrer Firma. „organizations“ = Konten beliebiger Firmen, "
            "„consumers“ = private Konten bei Outlook.com."
        ),
    )

    def __init__(self, key: str, company: CompanySettings, data: Any = None) -> None:
        stored = getattr(company, f"oauth_{key}_client_id")
        initial = {"client_id": stored, "tenant": company.oauth_microsoft_tenant}
        super().__init__(data, initial=initial, prefix=key)
        self.key = key
        self.stored_client_id = stored
        self.has_secret = bool(getattr(company, f"oauth_{key}_secret"))
        if key != MICROSOFT:
            del self.fields["tenant"]
            self.fields["client_id"].label = _("Client-ID")

    def clean_tenant(self) -> str:
        tenant = str(self.cleaned_data["tenant"]).strip().lower()
        if not OAuthApp("", "", "", tenant).has_valid_tenant:
            raise ValidationError(
                _("Bitte die Verzeichnis-ID eingeben, oder „organizations“ bzw. „consumers“.")
            )
        return tenant

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        client_id = values.get("client_id", "")
        is_new = client_id != self.stored_client_id or not self.has_secret
        if client_id and is_new and not values.get("client_secret"):
            self.add_error("client_secret", _("Bitte geben Sie das Geheimnis zu dieser ID ein."))
        if values.get("client_secret") and not client_id and "client_id" not in self.errors:
            self.add_error("client_id", _("Bitte geben Sie auch die ID ein."))
        return values

    def save(self) -> None:
        save_oauth_app(
            self.key,
            client_id=self.cleaned_data["client_id"],
            client_secret=self.cleaned_data["client_secret"],
            tenant=self.cleaned_data.get("tenant", ""),
        )
