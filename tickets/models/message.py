from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage
from tickets.models.ticket import Ticket


class TicketMessage(models.Model):
    """A mail that came, a reply that went, or a note, in the order of the conversation."""

    class Kind(models.TextChoices):
        INCOMING = "in", _("Kundennachricht")
        REPLY = "out", _("Antwort")
        AUTORESPONSE = "auto", _("Automatische Antwort")
        NOTE = "note", _("Interne Notiz")

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    kind = models.CharField(max_length=4, choices=Kind)
    account = models.ForeignKey(
        MailAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    message = models.ForeignKey(
        StoredMessage,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ticket_messages",
    )
    outgoing = models.OneToOneField(
        OutgoingMessage,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ticket_message",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.TextField(blank=True)  # plain text, notes only
    created_at = models.DateTimeField()
    # The failure of the outgoing mail that was told already: its state and the key of the last try.
    noted_state = models.CharField(max_length=10, blank=True)
    noted_attempt = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "message"],
                condition=models.Q(kind="in"),
                name="mail_in_one_ticket_per_account",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="note") | models.Q(message__isnull=False),
                name="ticket_message_has_mail_or_is_note",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="in") | models.Q(account__isnull=False),
                name="incoming_has_account",
            ),
        ]
        indexes = [models.Index(fields=["ticket", "created_at"])]

    def __str__(self) -> str:
        return f"{self.ticket}: {self.kind}"


class ThreadId(models.Model):
    """A Message-ID that belongs to a ticket: of its mails, or named by them and not yet seen."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="thread_ids", db_index=False
    )
    account = models.ForeignKey(
        MailAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    message_id_hash = models.CharField(max_length=40)
    is_seen = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "message_id_hash"], name="thread_id_once")
        ]
        indexes = [models.Index(fields=["message_id_hash"])]

    def __str__(self) -> str:
        return self.message_id_hash


class TicketEvent(models.Model):
    """A line of the history: who or what changed what, why something was suppressed."""

    class Kind(models.TextChoices):
        CREATED = "created", _("angelegt")
        CHANGED = "changed", _("geändert")
        AUTORESPONSE = "autoresponse", _("Autoresponder")
        SUPPRESSED = "suppressed", _("unterdrückt")
        DELIVERY = "delivery", _("Zustellung")
        HINT = "hint", _("Hinweis")

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.CharField(max_length=500)  # German, as shown
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["ticket", "created_at"])]

    def __str__(self) -> str:
        return self.text
