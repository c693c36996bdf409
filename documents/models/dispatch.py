from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from documents.models.document import Document
from documents.models.printer import Printer
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
        PRINTING = "printing", _("druckt")  # a worker has it in hand
        DONE = "done", _("versendet")
        FAILED = "failed", _("fehlgeschlagen")
        UNCERTAIN = "uncertain", _("unklar")  # the worker vanished while it was handing it over

    UNDER_WAY = (State.PENDING, State.PRINTING)
    STUCK = (State.FAILED, State.UNCERTAIN)  # a person should look

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="dispatches")
    # One press of the button: the form's token. A second press finds it taken.
    press = models.CharField(max_length=64)
    channel = models.CharField(_("Art"), max_length=8, choices=Channel)
    state = models.CharField(_("Status"), max_length=10, choices=State, default=State.PENDING)
    recipient = models.CharField(_("An"), max_length=500, blank=True)
    sender = models.CharField(_("Von"), max_length=320, blank=True)
    subject = models.CharField(_("Betreff"), max_length=998, blank=True)
    letter = models.TextField(_("Anschreiben"), blank=True)
    result = models.CharField(_("Ergebnis"), max_length=500, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)  # the very PDF that this way takes
    pdf_name = models.CharField(max_length=120, blank=True)
    outgoing = models.OneToOneField(
        OutgoingMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="dispatch"
    )
    # A job for a printer or a fax device: documents/print_jobs.py.
    printer = models.ForeignKey(
        Printer, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    fax_number = models.CharField(max_length=20, blank=True)  # +49821123456
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)  # committed before anything is printed
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
            # One job after the other, in their order.
            models.UniqueConstraint(
                fields=["printer"],
                condition=models.Q(state="printing"),
                name="one_job_at_a_time_per_printer",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="printing")
                | models.Q(claimed_until__isnull=False, printer__isnull=False),
                name="printing_has_a_claim",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=models.Q(state="pending"), name="dispatch_pending"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document}: {self.channel} {self.state}"
