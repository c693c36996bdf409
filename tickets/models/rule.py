from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from company.models import Project, Queue
from mailaccounts.models import MailAccount
from tickets.models.ticket import Tag, Ticket


class Rule(models.Model):
    """A „Ticketregel“: which mails it is for, and what it does with their tickets."""

    class Match(models.TextChoices):
        ALL = "all", _("alle Bedingungen treffen zu")
        ANY = "any", _("mindestens eine trifft zu")

    name = models.CharField(_("Name"), max_length=80, unique=True)
    order = models.PositiveIntegerField(default=0, db_index=True)
    is_active = models.BooleanField(_("aktiv"), default=True)
    account = models.ForeignKey(
        MailAccount,
        verbose_name=_("E-Mail Account"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    match = models.CharField(_("Gilt, wenn"), max_length=3, choices=Match, default=Match.ALL)
    is_for_answers = models.BooleanField(_("auch für weitere E-Mails eines Tickets"), default=False)
    stops = models.BooleanField(_("danach keine weiteren Regeln"), default=False)

    queue = models.ForeignKey(
        Queue,
        verbose_name=_("Warteschlange"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    project = models.ForeignKey(
        Project,
        verbose_name=_("Projekt"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    priority = models.PositiveSmallIntegerField(
        _("Priorität"), choices=Ticket.Priority, null=True, blank=True
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Verantwortlich"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    tags = models.ManyToManyField(Tag, verbose_name=_("Schlagwörter"), blank=True)
    to_trash = models.BooleanField(_("in den Papierkorb"), default=False)
    closes = models.BooleanField(_("abgeschlossen"), default=False)
    makes_personal = models.BooleanField(_("persönlich"), default=False)
    makes_gdpr = models.BooleanField(_("DSGVO"), default=False)
    no_autoresponse = models.BooleanField(_("keine automatische Antwort"), default=False)
    ignores = models.BooleanField(_("kein Ticket anlegen"), default=False)

    class Meta:
        verbose_name = _("Ticketregel")
        verbose_name_plural = _("Ticketregeln")
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.name


class RuleCondition(models.Model):
    """One condition of a rule."""

    class Field(models.TextChoices):
        SENDER = "sender", _("Absender")
        RECIPIENT = "recipient", _("Empfänger")
        SUBJECT = "subject", _("Betreff")
        BODY = "body", _("Text")
        HEADER = "header", _("Kopfzeile")

    class Operator(models.TextChoices):
        CONTAINS = "contains", _("enthält")
        NOT = "not", _("enthält nicht")
        IS = "is", _("ist genau")
        WILDCARD = "wildcard", _("passt auf Muster (* und ?)")

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="conditions")
    field = models.CharField(_("Feld"), max_length=10, choices=Field, default=Field.SENDER)
    header = models.CharField(_("Name der Kopfzeile"), max_length=80, blank=True)
    operator = models.CharField(
        _("Vergleich"), max_length=8, choices=Operator, default=Operator.CONTAINS
    )
    value = models.CharField(_("Wert"), max_length=300)

    class Meta:
        verbose_name = _("Bedingung")
        verbose_name_plural = _("Bedingungen")
        ordering = ["pk"]

    def __str__(self) -> str:
        name = self.header if self.field == self.Field.HEADER else self.get_field_display()
        is_pattern = self.operator == self.Operator.WILDCARD  # without its explanation
        return gettext("%(field)s %(operator)s „%(value)s“") % {
            "field": name,
            "operator": gettext("passt auf") if is_pattern else self.get_operator_display(),
            "value": self.value,
        }
