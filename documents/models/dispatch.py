from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from documents.models.document import Document
from outbox.models import OutgoingMessage


class Dispatch(models.Model):
    """One channel of one „abschicken“ and its result: a row of the document's „Versand“ list."""

    class Channel(models.TextChoices):
        MAIL = "mail", _("E-Mail")
        PRINTER = "printer", _("Drucker")
        FAX = "fax", _("Fax")
        PHONE = "phone", _("Telefongespräch")
        OTHER = "other", _("Sonstiges")

    class State(models.TextChoices):
        PENDING = "pending", _("unterwegs")
        DONE = "done", _("versendet")
        FAILED = "failed", _("fehlgeschlagen")

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="dispatches")
    # One press of the button: the form's token. A second press finds it taken.
    press = models.CharField(max_length=64)
    channel = models.CharField(_("Art"), max_length=8, choices=Channel)
    state = models.CharField(_("Status"), max_length=8, choices=State, default=State.PENDING)
    recipient = models.CharField(_("An"), max_length=500, blank=True)
    sender = models.CharField(_("Von"), max_length=320, blank=True)
    subject = models.CharField(_("Betreff"), max_length=998, blank=True)
    letter = models.TextField(_("Anschreiben"), blank=True)
    result = models.CharField(_("Ergebnis"), max_length=500, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)
    outgoing = models.OneToOneField(
        OutgoingMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="dispatch"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("Zeit"), auto_now_add=True)

    class Meta:
        verbose_name = _("Versand")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "press", "channel"], name="dispatch_once_per_press"
            ),
            models.CheckConstraint(
                condition=~models.Q(channel="mail") | models.Q(outgoing__isnull=False),
                name="mail_dispatch_has_outgoing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=models.Q(state="pending"), name="dispatch_pending"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document}: {self.channel} {self.state}"
