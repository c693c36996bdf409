from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from company.models import Address, Project, Queue, User
from company.rights import Right
from mailaccounts.models import MailAccount


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: User) -> TicketQuerySet:
        """Tickets of accounts and queues the user may see; nothing else exists for the user."""
        if not user.may(Right.SEE_TICKETS):
            return self.none()
        found = self.filter(
            models.Q(account__isnull=True)
            | models.Q(account__in=MailAccount.objects.mail_visible_to(user))
        )
        if user.may(Right.ADMINISTER) or user.may(Right.SEE_PERSONAL_MAIL):
            return found  # every queue: without the question
        return found.filter(
            models.Q(queue__isnull=True) | models.Q(queue__in=Queue.objects.visible_to(user))
        )


class Tag(models.Model):
    name = models.CharField(_("Schlagwort"), max_length=40)

    class Meta:
        verbose_name = _("Schlagwort")
        verbose_name_plural = _("Schlagwörter")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    """A customer's matter: the mails, notes and events around it."""

    class Status(models.TextChoices):
        NEW = "neu", _("neu")
        OPEN = "offen", _("offen")
        WAIT_INTERNAL = "warten_e", _("warten auf Intern")
        WAIT_CUSTOMER = "warten_kd", _("warten auf Kunde")
        CLARIFY = "klaeren", _("klären")
        CLOSED = "abgeschlossen", _("abgeschlossen")
        TRASH = "spam", _("Papierkorb")

    class Priority(models.IntegerChoices):
        LOW = 1, _("niedrig")
        NORMAL = 2, _("normal")
        HIGH = 3, _("hoch")

    number = models.CharField(_("Nummer"), max_length=20, unique=True)
    subject = models.CharField(_("Betreff"), max_length=998, blank=True)
    status = models.CharField(_("Status"), max_length=16, choices=Status, default=Status.NEW)
    priority = models.PositiveSmallIntegerField(
        _("Priorität"), choices=Priority, default=Priority.NORMAL
    )
    account = models.ForeignKey(
        MailAccount,
        verbose_name=_("E-Mail Account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
    )
    queue = models.ForeignKey(
        Queue,
        verbose_name=_("Warteschlange"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
        db_index=False,  # ticket_by_queue begins with it
    )
    project = models.ForeignKey(
        Project,
        verbose_name=_("Projekt"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Verantwortlich"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tickets",
        db_index=False,  # ticket_by_assignee begins with it
    )
    address = models.ForeignKey(
        Address,
        verbose_name=_("Adresse"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tickets",
    )
    customer_name = models.CharField(_("Kunde"), max_length=320, blank=True)
    customer_email = models.CharField(_("E-Mail des Kunden"), max_length=320, blank=True)
    incoming_address = models.CharField(max_length=320, blank=True)  # our address it came to
    tags = models.ManyToManyField(Tag, verbose_name=_("Schlagwörter"), blank=True)
    is_personal = models.BooleanField(_("persönlich"), default=False)
    is_gdpr = models.BooleanField(_("DSGVO"), default=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged"
    )
    # A guess by the number in the subject; a person decides. Nobody has decided while it is set.
    maybe_answers = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    preview = models.CharField(max_length=200, blank=True)  # first words of the newest message
    has_attachments = models.BooleanField(default=False)
    waiting_since = models.DateTimeField(null=True, blank=True)  # unanswered since; null = answered
    last_message_at = models.DateTimeField()
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("Ticket")
        verbose_name_plural = _("Tickets")
        ordering = ["-last_message_at"]
        indexes = [
            models.Index(fields=["status", "-last_message_at"], name="ticket_by_status"),
            models.Index(fields=["assignee", "status"], name="ticket_by_assignee"),
            models.Index(fields=["queue", "status"], name="ticket_by_queue"),
            models.Index(fields=["-last_message_at"], name="ticket_newest"),
            models.Index(fields=["customer_email"], name="ticket_by_customer"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"
