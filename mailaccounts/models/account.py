from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from company.models import Employee, Project, Queue
from mailaccounts.models.access import MailAccountQuerySet

if TYPE_CHECKING:
    import datetime

PORT = [MinValueValidator(1), MaxValueValidator(65535)]


def today() -> datetime.date:
    return timezone.localdate()


class MailAccount(models.Model):
    """A mail account with all its settings; what happened to it lately stands in AccountLink."""

    class Encryption(models.TextChoices):
        SSL = "ssl", _("SSL/TLS")
        STARTTLS = "starttls", _("STARTTLS")
        NONE = "none", _("keine")

    class ImapAuth(models.TextChoices):
        PASSWORD = "password", _("Passwort")
        GOOGLE = "google", _("Google OAuth")
        MICROSOFT = "microsoft", _("Microsoft 365 OAuth")

    class SmtpEncryption(models.TextChoices):
        NONE = "none", _("keine")
        STARTTLS = "starttls", _("TLS (STARTTLS)")
        SSL = "ssl", _("SSL")

    class SmtpAuth(models.TextChoices):
        NONE = "none", _("keine")
        PASSWORD = "password", _("Standard (Benutzername/Passwort)")
        GOOGLE = "google", _("Google OAuth")
        MICROSOFT = "microsoft", _("Microsoft 365 OAuth")

    # Einstellungen IMAP
    display_name = models.CharField(
        _("Angezeigter Name"),
        max_length=120,
        help_text=_(
            "Wird als Absender der E-Mails von diesem Account angezeigt, "
            "z. B. „Max Mustermitarbeiter“."
        ),
    )
    email = models.EmailField(
        _("E-Mail Adresse"),
        help_text=_(
            "Absenderadresse. Muss mit der Postfachadresse übereinstimmen, "
            "z. B. max.mustermitarbeiter@beispiel.de."
        ),
    )
    username = models.CharField(
        _("Benutzername"),
        max_length=200,
        blank=True,
        help_text=_(
            "Anmeldename für das Postfach. Üblicherweise die E-Mail-Adresse oder ein Accountname, "
            "z. B. p123456."
        ),
    )
    description = models.CharField(
        _("Interne Beschreibung"),
        max_length=200,
        blank=True,
        help_text=_("Nur intern sichtbar, z. B. „Sammelaccount Sales“."),
    )
    imap_enabled = models.BooleanField(_("E-Mails abholen"), default=True)
    imap_host = models.CharField(_("IMAP-Server"), max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(_("IMAP-Port"), default=993, validators=PORT)
    imap_encryption = models.CharField(
        _("Verschlüsselung"), max_length=8, choices=Encryption, default=Encryption.SSL
    )
    imap_auth = models.CharField(
        _("Anmeldung"), max_length=12, choices=ImapAuth, default=ImapAuth.PASSWORD
    )
    imap_secret = models.TextField(blank=True, editable=False)  # sealed, see secrets.py
    oauth_grant = models.ForeignKey(
        "mailaccounts.OAuthGrant",
        verbose_name=_("Anmeldung beim Anbieter"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts",
    )
    is_shared_mailbox = models.BooleanField(
        _("freigegebenes Postfach"),
        default=False,
        help_text=_(
            "Das Postfach ist beim Anbieter für die angemeldete Person freigegeben: "
            "Angemeldet wird mit deren Konto, geöffnet wird das Postfach."
        ),
    )
    copy_to_sent = models.BooleanField(
        _("Versendetordner aktivieren – E-Mails in Ausgangsordner kopieren"), default=False
    )
    sent_folder = models.CharField(_("IMAP-Ordner gesendet"), max_length=200, blank=True)

    # Einstellungen SMTP (Optional)
    smtp_enabled = models.BooleanField(_("Extra SMTP Account aktivieren"), default=False)
    smtp_host = models.CharField(_("SMTP-Server"), max_length=253, blank=True)
    smtp_port = models.PositiveIntegerField(_("SMTP-Port"), default=465, validators=PORT)
    smtp_encryption = models.CharField(
        _("SMTP-SSL"), max_length=8, choices=SmtpEncryption, default=SmtpEncryption.SSL
    )
    smtp_auth = models.CharField(
        _("SMTP-Authentifizierung"), max_length=12, choices=SmtpAuth, default=SmtpAuth.PASSWORD
    )
    smtp_username = models.CharField(
        _("Benutzername"),
        max_length=200,
        blank=True,
        help_text=_("Leer = der Benutzername aus den IMAP-Einstellungen."),
    )
    smtp_secret = models.TextField(blank=True, editable=False)  # empty = the IMAP password
    smtp_debug = models.BooleanField(
        _("SMTP-Debug aktivieren"),
        default=False,
        help_text=_(
            "Zeichnet die letzten 20 Dialoge mit dem Server auf. Passwörter werden geschwärzt."
        ),
    )
    sender_email = models.EmailField(
        _("Sender E-Mailadresse"),
        blank=True,
        help_text=_(
            "Nur ausfüllen, wenn mit einer anderen als der E-Mail Adresse oben gesendet wird."
        ),
    )
    sender_name = models.CharField(
        _("Sender Name"),
        max_length=120,
        blank=True,
        help_text=_("Nur ausfüllen, wenn abweichend vom angezeigten Namen."),
    )
    client_alias = models.CharField(
        _("Client Alias"),
        max_length=253,
        blank=True,
        help_text=_("Rechnername, mit dem sich Poststelle beim Server meldet (EHLO). Meist leer."),
    )
    max_connections = models.PositiveSmallIntegerField(
        _("Gleichzeitige Verbindungen"), default=1, validators=[MinValueValidator(1)]
    )
    messages_per_minute = models.PositiveIntegerField(
        _("Nachrichten je Minute"), null=True, blank=True, help_text=_("Leer = ohne Grenze.")
    )
    recipients_per_day = models.PositiveIntegerField(
        _("Empfänger je Tag"), null=True, blank=True, help_text=_("Leer = ohne Grenze.")
    )
    is_default = models.BooleanField(
        _("Standard-Account"),
        default=False,
        help_text=_("Sendet, was keinem anderen Account zugeordnet ist."),
    )

    # Ticketsystem
    tickets_enabled = models.BooleanField(_("Ticket-System aktivieren"), default=False)
    project = models.ForeignKey(
        Project,
        verbose_name=_("Standard-Projekt"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="mail_accounts",
        help_text=_("Projekt, dem die E-Mails zugewiesen werden."),
    )
    queue = models.ForeignKey(
        Queue,
        verbose_name=_("Standard-Warteschlange"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="mail_accounts",
        help_text=_("E-Mails werden automatisch dieser Warteschlange zugeordnet."),
    )
    since_date = models.DateField(
        _("Ab Datum"),
        default=today,
        null=True,
        blank=True,
        help_text=_(
            "Nur E-Mails, die ab diesem Tag eingegangen sind, werden abgeholt. "
            "Gilt für Tickets und Archiv. Leer = alle."
        ),
    )
    reply_from_incoming = models.BooleanField(
        _("Immer die eingehende E-Mailadresse als ausgehende verwenden"), default=True
    )
    delete_on_server = models.BooleanField(
        _("E-Mails auf Server löschen"),
        default=False,
        help_text=_("E-Mails werden nach dem Empfang unwiderruflich vom Server gelöscht."),
    )
    close_tickets = models.BooleanField(
        _("Ticket als abgeschlossen markieren"),
        default=False,
        help_text=_("Tickets werden beim Import automatisch als abgeschlossen markiert."),
    )

    # E-Mail Archiv
    archive_enabled = models.BooleanField(_("Archivierung aktivieren"), default=False)
    archive_days = models.PositiveIntegerField(
        _("E-Mails löschen nach (Tagen)"),
        null=True,
        blank=True,
        help_text=_("0 oder leer = nie."),
    )
    archive_forward_to = models.EmailField(
        _("Eingehende E-Mails weiterleiten an"),
        blank=True,
        help_text=_(
            "Jede eingehende E-Mail wird unverändert an dieses Archivpostfach weitergeleitet."
        ),
    )

    # Mitarbeiter
    employees = models.ManyToManyField(
        Employee,
        verbose_name=_("Mitarbeiter"),
        blank=True,
        related_name="mail_accounts",
        help_text=_(
            "Leer = alle mit dem entsprechenden Recht dürfen mit diesem Account senden. "
            "Sonst ist der Account persönlich: Seine E-Mails sehen nur die zugeordneten "
            "Mitarbeiter und Prüfer."
        ),
    )

    # Eigene Signatur
    signature_active = models.BooleanField(_("Eigene Signatur aktivieren"), default=False)
    signature_html = models.TextField(_("Signatur"), blank=True)

    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MailAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("E-Mail Account")
        verbose_name_plural = _("E-Mail Accounts")
        ordering = ["description", "email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(archived_at__isnull=True),
                name="account_email_once",
                violation_error_message=_("Für diese E-Mail Adresse gibt es schon einen Account."),
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="account_one_default",
                violation_error_message=_("Es gibt schon einen Standard-Account."),
            ),
            models.CheckConstraint(
                condition=models.Q(delete_on_server=False)
                | models.Q(tickets_enabled=True)
                | models.Q(archive_enabled=True),
                name="account_delete_needs_a_copy",
                violation_error_message=_(
                    "„E-Mails auf Server löschen“ geht nur mit Ticketsystem oder Archiv: "
                    "Sonst bliebe die E-Mail nirgends erhalten."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.email

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

    @property
    def from_email(self) -> str:
        """The address this account sends as unless told otherwise."""
        return self.sender_email or self.email

    @property
    def from_name(self) -> str:
        return self.sender_name or self.display_name

    @property
    def login_name(self) -> str:
        return self.username or self.email

    @property
    def provider_files_sent_mail(self) -> bool:
        """Gmail and Microsoft 365 put sent mail into the Sent folder themselves."""
        host = self.smtp_host.lower()
        return host.endswith(("gmail.com", "googlemail.com", "office365.com", "outlook.com"))


class MailFolder(models.Model):
    """A folder of the mailbox that is polled, and what its mail is good for."""

    class Purpose(models.TextChoices):
        TICKETS = "tickets", _("Tickets und Archiv")
        ARCHIVE = "archive", _("nur Archiv")

    account = models.ForeignKey(MailAccount, on_delete=models.CASCADE, related_name="folders")
    name = models.CharField(_("Ordner"), max_length=200)
    purpose = models.CharField(_("Zweck"), max_length=8, choices=Purpose, default=Purpose.TICKETS)
    is_active = models.BooleanField(_("wird abgeholt"), default=True)

    class Meta:
        verbose_name = _("Ordner")
        ordering = ["account", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="folder_once_per_account")
        ]

    def __str__(self) -> str:
        return self.name


class AllowedSender(models.Model):
    """A further address („rechnung@firma.de“) or domain („@firma.de“) this login may send as."""

    account = models.ForeignKey(
        MailAccount, on_delete=models.CASCADE, related_name="allowed_senders"
    )
    pattern = models.CharField(max_length=254)  # lower-case; a leading @ means a whole domain

    class Meta:
        ordering = ["pattern"]
        constraints = [
            models.UniqueConstraint(fields=["account", "pattern"], name="allowed_sender_once"),
            models.CheckConstraint(
                condition=models.Q(pattern__contains="@"), name="allowed_sender_has_at"
            ),
        ]
        indexes = [models.Index(fields=["pattern"])]

    def __str__(self) -> str:
        return self.pattern
