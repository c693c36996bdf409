from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import Address, User
from company.rights import Right
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage


class OutgoingQuerySet(models.QuerySet["OutgoingMessage"]):
    def visible_to(self, user: User) -> OutgoingQuerySet:
        """Messages of the accounts whose mail the user may read."""
        if not user.may(Right.SEE_OUTBOX):
            return self.none()
        shown = self.exclude(origin__in=OutgoingMessage.FOR_ONE_READER)
        return shown.filter(account__in=MailAccount.objects.mail_visible_to(user))


class OutgoingMessage(models.Model):
    """A message on its way out. Its bytes were fixed when it was queued; docs/outgoing.md has the states."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("geplant")  # send_at lies ahead, or the undo time runs
        QUEUED = "queued", _("wartet")
        SENDING = "sending", _("sendet")
        SENT = "sent", _("gesendet")
        RETRY = "retry", _("erneuter Versuch")
        FAILED = "failed", _("fehlgeschlagen")
        UNCERTAIN = "uncertain", _("unklar")
        BOUNCED = "bounced", _("zurückgewiesen")
        CANCELLED = "cancelled", _("abgebrochen")

    DUE = (State.SCHEDULED, State.QUEUED, State.RETRY)

    class SentCopy(models.TextChoices):
        NONE = "none", _("nicht gewünscht")
        WANTED = "wanted", _("steht aus")
        FILED = "filed", _("abgelegt")
        FAILED = "failed", _("nicht abgelegt")

    class Origin(models.TextChoices):
        TICKET = "ticket", _("Ticket")
        DOCUMENT = "document", _("Beleg")
        AUTORESPONSE = "autoresponse", _("Autoresponder")
        FORWARD = "forward", _("Weiterleitung ins Archivpostfach")
        TEST = "test", _("Testmail")
        ALERT = "alert", _("Störungsmeldung")
        LETTER = "letter", _("Korrespondenz")
        PASSWORD = "password", _("Link für ein neues Passwort")
        NOTICE = "notice", _("Hinweis an einen Benutzer")

    # Whoever reads a password link owns the user it was made for; a notice names mail of others.
    FOR_ONE_READER = (Origin.PASSWORD, Origin.NOTICE)
    # Copies of mail that is archived already, and what nobody else may ever read.
    NOT_ARCHIVED = (Origin.FORWARD, *FOR_ONE_READER)

    account = models.ForeignKey(
        MailAccount, verbose_name=_("Account"), on_delete=models.PROTECT, related_name="outgoing"
    )
    message = models.ForeignKey(StoredMessage, on_delete=models.PROTECT, related_name="outgoing")
    origin = models.CharField(max_length=16, choices=Origin)
    # Double clicks, restarted tasks: what has the same key is queued once.
    once_key = models.CharField(max_length=120, unique=True)
    envelope_from = models.CharField(max_length=320, blank=True)  # empty = null sender <>
    sender_reason = models.CharField(max_length=200, blank=True)  # why this account
    # Whom it was written to, where the writer knew: what comes back belongs there too.
    address = models.ForeignKey(
        Address, on_delete=models.SET_NULL, null=True, blank=True, related_name="outgoing"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # While due or scheduled: when to send. While uncertain: when to look into the Sent folder next.
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts_made = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    data_started_at = models.DateTimeField(null=True, blank=True)  # committed before DATA
    sent_at = models.DateTimeField(null=True, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)
    last_reply = models.CharField(max_length=500, blank=True)

    # The message this one was written for anew; that one keeps its state.
    replaces = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )

    sent_copy = models.CharField(max_length=8, choices=SentCopy, default=SentCopy.NONE)
    sent_copy_attempts = models.PositiveIntegerField(default=0)
    sent_copy_next_at = models.DateTimeField(null=True, blank=True)
    sent_copy_error = models.CharField(max_length=500, blank=True)

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        verbose_name = _("ausgehende E-Mail")
        verbose_name_plural = _("Postausgang")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["message"],
                condition=~models.Q(origin="forward"),
                name="message_goes_out_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sending") | models.Q(claimed_until__isnull=False),
                name="sending_has_a_claim",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sent") | models.Q(sent_at__isnull=False),
                name="sent_has_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["scheduled", "queued", "retry"])
                | models.Q(next_attempt_at__isnull=False),
                name="due_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "next_attempt_at"],
                condition=models.Q(state__in=["scheduled", "queued", "retry"]),
                name="outgoing_due",
            ),
            models.Index(
                fields=["claimed_until"],
                condition=models.Q(state="sending"),
                name="outgoing_sending",
            ),
            models.Index(
                fields=["sent_copy_next_at"],
                condition=models.Q(sent_copy="wanted"),
                name="outgoing_sent_copy",
            ),
            models.Index(fields=["state", "-created_at"], name="outgoing_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.message.subject} ({self.state})"


class Recipient(models.Model):
    """One envelope recipient and what the server said of it."""

    class Kind(models.TextChoices):
        TO = "to", _("An")
        CC = "cc", _("CC")
        BCC = "bcc", _("BCC")

    class State(models.TextChoices):
        PENDING = "pending", _("ausstehend")
        ACCEPTED = "accepted", _("angenommen")
        REFUSED = "refused", _("abgelehnt")
        BOUNCED = "bounced", _("zurückgewiesen")

    outgoing = models.ForeignKey(
        OutgoingMessage, on_delete=models.CASCADE, related_name="recipients"
    )
    kind = models.CharField(max_length=3, choices=Kind)
    name = models.CharField(max_length=320, blank=True)
    email = models.CharField(max_length=320)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    code = models.PositiveSmallIntegerField(default=0)
    reply = models.CharField(max_length=500, blank=True)
    # Its refusal was judged: is the address dead? See outbox/mark_bounced.py.
    is_judged = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["outgoing", "email"], name="recipient_once")]
        indexes = [
            models.Index(fields=["email"]),
            models.Index(
                fields=["outgoing"],
                condition=models.Q(state__in=["refused", "bounced"]),
                name="recipient_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.state}"


class Attempt(models.Model):
    """One try to hand a message to the server; the protocol a person reads."""

    outgoing = models.ForeignKey(OutgoingMessage, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    server = models.CharField(max_length=260)
    step = models.CharField(max_length=16, blank=True)  # where it ended
    verdict = models.CharField(max_length=12, blank=True)  # mailcore.smtp.Verdict or "partly"
    code = models.PositiveSmallIntegerField(default=0)
    reply = models.CharField(max_length=500, blank=True)
    transcript = models.TextField(blank=True)  # masked, only with SMTP-Debug

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.started_at:%d.%m.%Y %H:%M} {self.verdict}"
