from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models.account import MailAccount


class AccountLink(models.Model):
    """How one direction of an account is doing: its state, its back-off, who works on it now.

    Kept apart from the settings so that a worker never writes over what an admin saves.
    """

    class Direction(models.TextChoices):
        INCOMING = "in", _("Empfang")
        OUTGOING = "out", _("Versand")

    class State(models.TextChoices):
        UNKNOWN = "unknown", _("noch nicht verbunden")
        OK = "ok", _("verbunden")
        FAILING = "failing", _("Störung")
        LOGIN = "login", _("neu anmelden")  # held until an admin acts

    account = models.ForeignKey(MailAccount, on_delete=models.CASCADE, related_name="links")
    direction = models.CharField(max_length=3, choices=Direction)
    state = models.CharField(max_length=8, choices=State, default=State.UNKNOWN)
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # null = as soon as wanted
    queued_at = models.DateTimeField(null=True, blank=True)  # a worker was asked to look
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)  # mailcore.errors.Kind
    error_step = models.CharField(max_length=16, blank=True)  # mailcore.errors.Step
    error_detail = models.CharField(max_length=500, blank=True)  # the server's words, masked
    # Bytes; what the SMTP server said of itself (EHLO SIZE) at the last connection.
    max_message_size = models.PositiveBigIntegerField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)  # admins know; null = nothing to tell
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "direction"], name="link_once_per_direction")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.direction}: {self.state}"
