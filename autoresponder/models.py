from __future__ import annotations

from datetime import time

from django.db import models
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import MailAccount


class Autoresponder(models.Model):
    """The automatic answer of an account: always, outside office hours, or between two days.

    Between the two days the other text counts, at any hour; schedule.py decides.
    """

    class When(models.TextChoices):
        ALWAYS = "always", _("immer")
        OUTSIDE_HOURS = "outside_hours", _("nur außerhalb der Geschäftszeiten")
        PERIOD = "period", _("nur im Zeitraum unten")

    account = models.OneToOneField(
        MailAccount, on_delete=models.CASCADE, related_name="autoresponder"
    )
    is_active = models.BooleanField(
        _("Auto-Responder"),
        default=False,
        help_text=_("Antwortet automatisch auf jede Anfrage, z. B. aus einem Kontaktformular."),
    )
    once_a_day = models.BooleanField(
        _("nur eine Mail pro Tag"),
        default=True,
        help_text=_(
            "Empfohlen: An dieselbe Adresse geht am selben Tag nur eine Antwort, auch wenn sie "
            "erneut schreibt. So antworten sich zwei Autoresponder nicht gegenseitig."
        ),
    )
    subject = models.CharField(_("Betreff"), max_length=200, blank=True)
    text = models.TextField(
        _("Text"),
        blank=True,
        help_text=_("{TICKET} = Ticketnummer, {BETREFF} = Betreff der eingehenden E-Mail."),
    )
    when = models.CharField(_("Antwortet"), max_length=16, choices=When, default=When.ALWAYS)
    # ISO weekdays as digits, "12345" = Monday to Friday; in the company's time zone.
    office_days = models.CharField(_("Geschäftstage"), max_length=7, default="12345", blank=True)
    office_opens = models.TimeField(_("Geöffnet von"), default=time(8))
    office_closes = models.TimeField(_("Geöffnet bis"), default=time(17))
    period_first = models.DateField(_("Erster Tag"), null=True, blank=True)
    period_last = models.DateField(_("Letzter Tag"), null=True, blank=True)
    period_subject = models.CharField(
        _("Betreff im Zeitraum"), max_length=200, blank=True, help_text=_("leer = wie oben")
    )
    period_text = models.TextField(
        _("Text im Zeitraum"), blank=True, help_text=_("leer = wie oben")
    )

    class Meta:
        verbose_name = _("Autoresponder")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(period_first__isnull=True, period_last__isnull=True)
                | models.Q(
                    period_first__isnull=False,
                    period_last__isnull=False,
                    period_last__gte=models.F("period_first"),
                ),
                name="autoresponder_period_has_both_days",
                violation_error_message=_("Der Zeitraum braucht einen ersten und letzten Tag."),
            ),
            models.CheckConstraint(
                condition=models.Q(office_closes__gt=models.F("office_opens")),
                name="autoresponder_opens_before_it_closes",
                violation_error_message=_("Die Geschäftszeit endet, bevor sie beginnt."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | (~models.Q(subject="") & ~models.Q(text="")),
                name="autoresponder_has_subject_and_text",
                violation_error_message=_(
                    "Der Autoresponder braucht einen Betreff und einen Text."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"Autoresponder {self.account}"

    def get_office_days_display(self) -> str:
        return ", ".join(str(WEEKDAYS_ABBR[int(day) - 1]) for day in self.office_days)


class AnsweredToday(models.Model):
    """The once-a-day ledger: this address got an automatic answer of this account on this day."""

    account = models.ForeignKey(MailAccount, on_delete=models.CASCADE, related_name="+")
    email = models.CharField(max_length=320)  # lower-case
    day = models.DateField()  # in the company's time zone

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "email", "day"], name="answered_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.day}"
