from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from documents.models.document import DocumentKind


class Printer(models.Model):
    """A printer or a fax device: where a document goes that leaves as paper (docs/documents.md)."""

    class Kind(models.TextChoices):
        QUEUE = "queue", _("Druckerwarteschlange (CUPS/IPP)")
        FOLDER = "folder", _("Ordner für PDF-Dateien")
        DOWNLOAD = "download", _("Herunterladen und selbst drucken")
        FAX_MAIL = "fax_mail", _("Fax über E-Mail (Gateway)")

    class Spelling(models.TextChoices):
        """How the device wants a fax number; the example is the same number three times."""

        INTERNATIONAL = "plus", "+49821123456"
        ZEROS = "zeros", "0049821123456"
        NATIONAL = "national", "0821123456"

    name = models.CharField(
        _("Bezeichnung"),
        max_length=60,
        unique=True,
        error_messages={"unique": _("So heißt schon ein anderer Drucker.")},
    )
    kind = models.CharField(_("Art"), max_length=8, choices=Kind, default=Kind.QUEUE)
    is_fax = models.BooleanField(_("ist ein Faxgerät"), default=False)
    is_active = models.BooleanField(_("aktiv"), default=True)
    queue = models.CharField(_("Name der Warteschlange"), max_length=120, blank=True)
    server = models.CharField(_("Druckserver"), max_length=255, blank=True)
    folder = models.CharField(_("Ordner"), max_length=500, blank=True)
    number_format = models.CharField(
        _("Schreibweise der Faxnummer"),
        max_length=8,
        choices=Spelling,
        default=Spelling.INTERNATIONAL,
    )
    sender_email = models.EmailField(_("Absender beim Gateway"), blank=True)
    fax_address = models.CharField(_("Adresse beim Gateway"), max_length=200, blank=True)
    fax_subject = models.CharField(_("Betreff"), max_length=200, blank=True, default="{FAX}")

    class Meta:
        verbose_name = _("Drucker")
        verbose_name_plural = _("Drucker")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="fax_mail") | models.Q(is_fax=True),
                name="fax_gateway_is_a_fax",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DispatchChoice(models.Model):
    """What a person chose when they last dispatched a document of this kind."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dispatch_choices"
    )
    kind = models.ForeignKey(DocumentKind, on_delete=models.CASCADE, related_name="+")
    channels = models.JSONField(default=list)  # of Dispatch.Channel
    sender = models.CharField(max_length=8, blank=True)  # documents/senders.py: SenderKind
    printer = models.ForeignKey(
        Printer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    fax = models.ForeignKey(
        Printer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    combines = models.BooleanField(default=False)  # „Sammelpdf“
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-changed_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="one_dispatch_choice_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"
