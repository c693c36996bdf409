"""„Grundeinstellungen“: the company, its signature, its copies, and the emergency brake."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from company.model_forms import (
    LETTER_WIDGETS,
    Block,
    InBlocks,
    ModelForm,
)
from company.models import CompanySettings
from company.signature_html import clean_signature_html

LOGO_BYTES = 1_000_000
_STARTS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
OAUTH_APPS = (
    "oauth_google_client_id",
    "oauth_microsoft_client_id",
    "oauth_microsoft_tenant",
)
PAUSES = ("fetching_paused", "sending_paused", "autoresponses_paused")


def logo_type(logo: bytes) -> str:
    """image/png or image/jpeg by the first bytes; empty where it is neither."""
    return next((kind for start, kind in _STARTS.items() if bytes(logo).startswith(start)), "")


class SettingsForm(InBlocks, ModelForm[CompanySettings]):
    logo_file = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG oder JPEG, höchstens 1 MB. Steht auf Briefen und Belegen."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
    )
    remove_logo = forms.BooleanField(label=_("Logo entfernen"), required=False)
    blocks = (
        Block(
            _("Firma"),
            ("name", "street", "postcode", "city", "country", "phone", "email", "website"),
        ),
        Block(
            _("Angaben auf Briefen und Belegen"),
            (
                "vat_id",
                "tax_number",
                "register",
                "management",
                "bank_name",
                "iban",
                "bic",
                "logo_file",
                "remove_logo",
            ),
        ),
        Block(
            _("Signatur und Grußformel"),
            ("signature_html", "greeting"),
            _(
                "Die Standardsignatur wird verwendet, wenn weder der E-Mail Account noch das Projekt "
                "eine eigene hat."
            ),
        ),
        Block(
            _("Versand von Belegen und Korrespondenz"),
            ("copy_recipient_1", "copy_recipient_2", "bcc_recipient", "mail_template"),
        ),
        Block(_("Sicherheit"), ("block_external_content",)),
    )

    class Meta:
        model = CompanySettings
        exclude = ("logo", *OAUTH_APPS, *PAUSES)
        widgets = LETTER_WIDGETS
        help_texts = {
            "copy_recipient_1": _("Erhält eine Kopie von jeder E-Mail mit Beleg oder Brief."),
            "bcc_recipient": _("Wie ein Kopie-Empfänger, für den Kunden unsichtbar."),
            "block_external_content": _(
                "Bilder aus dem Internet werden in E-Mails erst auf Wunsch geladen. So erfährt der "
                "Absender nicht, dass und wann seine E-Mail gelesen wird."
            ),
        }

    def clean_logo_file(self) -> UploadedFile[Any] | None:
        file: UploadedFile[Any] | None = self.cleaned_data["logo_file"]
        if file is None:
            return None
        if (file.size or 0) > LOGO_BYTES:
            raise ValidationError(_("Das Bild ist größer als 1 MB."))
        start = file.read(16)
        file.seek(0)
        if not logo_type(start):
            raise ValidationError(_("Bitte wählen Sie ein Bild im Format PNG oder JPEG."))
        return file

    def clean_signature_html(self) -> str:
        return clean_signature_html(self.cleaned_data["signature_html"])

    def clean_mail_template(self) -> str:
        template = str(self.cleaned_data["mail_template"])
        if template and "{CONTENT}" not in template and "{TEXT}" not in template:
            raise ValidationError(
                _(
                    "Im HTML-Template fehlt {CONTENT} oder {TEXT}: So käme der Text nicht in die E-Mail."
                )
            )
        return template

    def save(self, commit: bool = True) -> CompanySettings:
        file: UploadedFile[Any] | None = self.cleaned_data["logo_file"]
        if file is not None:
            self.instance.logo = file.read()
        elif self.cleaned_data["remove_logo"]:
            self.instance.logo = b""
        return super().save(commit)


class PauseForm(ModelForm[CompanySettings]):
    """The emergency brake: three switches."""

    class Meta:
        model = CompanySettings
        fields = PAUSES
        help_texts: dict[str, Any] = {
            "fetching_paused": _("Es werden keine E-Mails abgeholt. Sie bleiben auf den Servern."),
            "sending_paused": _("Es wird nichts versendet. Der Postausgang sammelt."),
            "autoresponses_paused": _("Es wird nicht automatisch geantwortet."),
        }
