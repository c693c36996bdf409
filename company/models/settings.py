from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from company.read_once import once


class CompanySettings(models.Model):
    """„Grundeinstellungen“: exactly one row, `CompanySettings.load()`."""

    name = models.CharField(_("Firmenname"), max_length=120, blank=True)
    street = models.CharField(_("Straße"), max_length=120, blank=True)
    postcode = models.CharField(_("PLZ"), max_length=12, blank=True)
    city = models.CharField(_("Ort"), max_length=80, blank=True)
    country = models.CharField(_("Land"), max_length=60, blank=True)
    phone = models.CharField(_("Telefon"), max_length=60, blank=True)
    email = models.EmailField(_("E-Mail-Adresse der Firma"), blank=True)
    website = models.CharField(_("Internet"), max_length=120, blank=True)
    vat_id = models.CharField(_("USt-IdNr."), max_length=20, blank=True)
    tax_number = models.CharField(_("Steuernummer"), max_length=30, blank=True)
    register = models.CharField(_("Handelsregister"), max_length=120, blank=True)
    management = models.CharField(_("Geschäftsführung"), max_length=120, blank=True)
    bank_name = models.CharField(_("Bank"), max_length=80, blank=True)
    iban = models.CharField(_("IBAN"), max_length=42, blank=True)
    bic = models.CharField(_("BIC"), max_length=15, blank=True)
    logo = models.BinaryField(_("Logo"), blank=True, default=b"")  # PNG or JPEG, for letters

    signature_html = models.TextField(_("Standardsignatur"), blank=True)
    greeting = models.TextField(
        _("Standard-Grußformel"), blank=True, default="Mit freundlichen Grüßen"
    )
    copy_recipient_1 = models.EmailField(_("Kopie-Empfänger 1"), blank=True)
    copy_recipient_2 = models.EmailField(_("Kopie-Empfänger 2"), blank=True)
    bcc_recipient = models.EmailField(_("BCC-Empfänger"), blank=True)
    mail_template = models.TextField(
        _("HTML-Template"),
        blank=True,
        help_text=_(
            "{CONTENT} ist der Text als HTML, {TEXT} der reine Text, {SIGNATUR} die Signatur."
        ),
    )
    block_external_content = models.BooleanField(
        _("Externe Inhalte in E-Mails blockieren"), default=True
    )

    oauth_google_client_id = models.CharField(_("Google: Client-ID"), max_length=200, blank=True)
    oauth_google_secret = models.TextField(blank=True, editable=False)  # sealed for the client id
    oauth_microsoft_client_id = models.CharField(
        _("Microsoft 365: Anwendungs-ID (Client)"), max_length=200, blank=True
    )
    oauth_microsoft_secret = models.TextField(blank=True, editable=False)
    oauth_microsoft_tenant = models.CharField(
        _("Microsoft 365: Verzeichnis-ID (Mandant)"),
        max_length=100,
        blank=True,
        default="organizations",
        help_text=_(
            "Die Verzeichnis-ID Ihrer Firma. „organizations“ = Konten beliebiger Firmen, "
            "„consumers“ = private Konten bei Outlook.com."
        ),
    )

    fetching_paused = models.BooleanField(_("Abholen angehalten"), default=False)
    sending_paused = models.BooleanField(_("Versand angehalten"), default=False)
    autoresponses_paused = models.BooleanField(_("Autoresponder angehalten"), default=False)

    class Meta:
        verbose_name = _("Grundeinstellungen")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="company_settings_single_row")
        ]

    def __str__(self) -> str:
        return self.name or "Grundeinstellungen"

    @classmethod
    def load(cls) -> CompanySettings:
        """The one row, made on first use; the logo is read only where it is asked for."""
        return once(cls, lambda: cls.objects.defer("logo").get_or_create(pk=1)[0])
