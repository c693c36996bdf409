"""„Einstellungen IMAP“ and „Einstellungen SMTP (Optional)“."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm
from mailaccounts.models import AllowedSender, MailAccount
from mailaccounts.oauth_apps import has_oauth_app
from mailcore.oauth_providers import GOOGLE, MICROSOFT

# Single letters and digits, no scheme, no port: what getaddrinfo takes, IPv6 included.
_HOST = re.compile(r"^(?=.{1,253}$)[^\s/@:]+$|^[0-9a-fA-F:.]+$")
_OFF = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_FINDS_SERVERS = {
    "hx-get": reverse_lazy("mailaccounts:discover"),
    "hx-trigger": "change",
    "hx-target": "#discovered",
    "hx-swap": "innerHTML",
}
_SECRET = {"autocomplete": "new-password"}


class PasswordField(forms.CharField):
    """Write-only: what is stored never comes back to the browser, nor does what was typed."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Passwort"),
            required=False,
            strip=False,
            max_length=500,
            widget=forms.PasswordInput(render_value=False, attrs=_SECRET),
        )


class ConnectionForm(ModelForm[MailAccount]):
    """What both directions have in common: checks of host names, the write-only password."""

    password = PasswordField()

    def clean_host(self, name: str) -> str:
        host = str(self.cleaned_data[name]).strip().rstrip(".")
        if host and not _HOST.match(host):
            raise ValidationError(
                _("Bitte nur den Namen des Servers eingeben, z. B. „mail.beispiel.de“.")
            )
        return host

    def demand(self, name: str, message: Any) -> None:
        """The field must be filled in; its own error, if it has one, is kept."""
        if not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, message)


class ImapForm(ConnectionForm):
    class Meta:
        model = MailAccount
        fields = (
            "display_name",
            "email",
            "username",
            "description",
            "imap_enabled",
            "imap_host",
            "imap_port",
            "imap_encryption",
            "imap_auth",
            "is_shared_mailbox",
            "copy_to_sent",
            "sent_folder",
        )
        widgets = {
            "display_name": forms.TextInput(attrs=_OFF),
            "email": forms.EmailInput(attrs=_OFF | _FINDS_SERVERS),
            "username": forms.TextInput(attrs=_OFF),
            "description": forms.TextInput(attrs=_OFF),
            "imap_host": forms.TextInput(attrs=_OFF | {"placeholder": "imap.beispiel.de"}),
            "imap_auth": forms.Select(
                attrs={"data-reveals": "shared-mailbox", "data-reveals-value": "google microsoft"}
            ),
            "copy_to_sent": forms.CheckboxInput(attrs={"data-reveals": "sent-folder"}),
            "sent_folder": forms.TextInput(attrs=_OFF | {"list": "known-folders"}),
        }
        help_texts = {
            "imap_host": _("IMAP-Server des Postfachs."),
            "imap_port": _("Für gewöhnlich 993 (mit SSL/TLS) oder 143."),
            "imap_auth": _("Manche Anbieter verlangen statt des Passworts ein App-Passwort."),
            "imap_enabled": _("Abgeschaltet dient der Account nur dem Versenden."),
            "sent_folder": _("Gesendete E-Mails erscheinen dort auch im E-Mail-Programm."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        only_choices(
            self.fields["imap_auth"], MailAccount.ImapAuth.PASSWORD, *_providers(self.instance)
        )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        others = MailAccount.objects.kept().exclude(pk=self.instance.pk)
        if others.filter(email__iexact=email).exists():
            raise ValidationError(_("Für diese E-Mail Adresse gibt es schon einen Account."))
        return email

    def clean_imap_host(self) -> str:
        return self.clean_host("imap_host")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("imap_enabled") or values.get("copy_to_sent"):
            self.demand("imap_host", _("Bitte geben Sie den IMAP-Server ein."))
        if values.get("copy_to_sent"):
            self.demand(
                "sent_folder",
                _("Bitte den Ordner nennen, z. B. „Sent“. [Ordner abrufen] zeigt, welche es gibt."),
            )
        return values


class SmtpForm(ConnectionForm):
    allowed = forms.CharField(
        label=_("Weitere erlaubte Absender"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "Eine Adresse oder Domain je Zeile, z. B. rechnung@firma.de oder @firma.de. Viele Server "
            "erlauben mit einem Zugang auch andere Adressen derselben Domain; erlaubt Ihrer das nicht, "
            "braucht jede Absenderadresse einen eigenen Account."
        ),
    )
    use_imap_password = forms.BooleanField(
        label=_("Wieder das Passwort aus den IMAP-Einstellungen verwenden"), required=False
    )
    # Not the model's field: that two accounts are the standard for a moment is what saving settles.
    is_default = forms.BooleanField(
        label=_("Standard-Account"),
        required=False,
        help_text=_("Sendet, was keinem anderen Account zugeordnet ist."),
    )

    class Meta:
        model = MailAccount
        fields = (
            "smtp_enabled",
            "smtp_host",
            "smtp_port",
            "smtp_encryption",
            "smtp_auth",
            "smtp_username",
            "smtp_debug",
            "sender_email",
            "sender_name",
            "client_alias",
            "max_connections",
            "messages_per_minute",
            "recipients_per_day",
        )
        widgets = {
            "smtp_host": forms.TextInput(attrs=_OFF | {"placeholder": "smtp.beispiel.de"}),
            "smtp_username": forms.TextInput(attrs=_OFF),
            "smtp_auth": forms.Select(
                attrs={"data-reveals": "smtp-login", "data-reveals-value": "password"}
            ),
            "sender_email": forms.EmailInput(attrs=_OFF),
            "sender_name": forms.TextInput(attrs=_OFF),
            "client_alias": forms.TextInput(attrs=_OFF),
        }
        help_texts = {
            "smtp_host": _("SMTP-Server des Postfachs."),
            "smtp_port": _("Für gewöhnlich 465 (SSL), 587 (TLS) oder 25."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        only_choices(
            self.fields["smtp_auth"],
            MailAccount.SmtpAuth.NONE,
            MailAccount.SmtpAuth.PASSWORD,
            *_providers(self.instance),
        )
        self.fields["password"].help_text = _("Leer = das Passwort aus den IMAP-Einstellungen.")
        self.initial["is_default"] = self.instance.is_default
        if self.instance.pk:
            self.initial["allowed"] = allowed_as_text(self.instance)
            if self.instance.is_default:
                self.fields["is_default"].disabled = True
                self.fields["is_default"].help_text = _(
                    "Machen Sie einen anderen Account zum Standard, um das zu ändern."
                )

    def clean_smtp_host(self) -> str:
        return self.clean_host("smtp_host")

    def clean_allowed(self) -> tuple[str, ...]:
        """Lower-case patterns, each once, in the order typed."""
        lines = str(self.cleaned_data["allowed"]).replace(",", "\n").splitlines()
        patterns = tuple(dict.fromkeys(line.strip().lower() for line in lines if line.strip()))
        for pattern in patterns:
            try:
                validate_email(f"x{pattern}" if pattern.startswith("@") else pattern)
            except ValidationError as error:
                raise ValidationError(
                    _("„%(line)s“ ist weder eine E-Mail-Adresse noch eine Domain wie @firma.de."),
                    params={"line": pattern},
                ) from error
        return patterns

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("smtp_enabled"):
            self.demand("smtp_host", _("Bitte geben Sie den SMTP-Server ein."))
        self.instance.is_default = bool(values.get("is_default"))
        return values

    def save_allowed_senders(self) -> None:
        wanted = set(self.cleaned_data["allowed"])
        kept = self.instance.allowed_senders
        kept.exclude(pattern__in=wanted).delete()
        known = set(kept.values_list("pattern", flat=True))
        AllowedSender.objects.bulk_create(
            AllowedSender(account=self.instance, pattern=pattern) for pattern in wanted - known
        )


def ask_again(form: ModelForm[MailAccount]) -> None:
    """A typed password is not sent back: on a page that is shown again it has to be typed again."""
    if form.cleaned_data.get("password"):
        form.add_error("password", _("Bitte geben Sie das Passwort noch einmal ein."))


def allowed_as_text(account: MailAccount) -> str:
    return "\n".join(account.allowed_senders.values_list("pattern", flat=True))


def _providers(account: MailAccount) -> list[str]:
    """The providers one can sign in with: those whose app is set up, and what is chosen already."""
    chosen = {account.imap_auth, account.smtp_auth}
    return [key for key in (GOOGLE, MICROSOFT) if key in chosen or has_oauth_app(key)]


def only_choices(field: forms.Field, *values: str) -> None:
    """Offers these alone: what the connection knows how to do."""
    assert isinstance(field, forms.TypedChoiceField)
    field.choices = [(value, label) for value, label in field.choices if value in values]  # type: ignore[misc,union-attr]
