from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import MailAccount


class Autoresponder(models.Model):
    """The automatic answer of an account."""

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

    class Meta:
        verbose_name = _("Autoresponder")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_active=False) | (~models.Q(subject="") & ~models.Q(text="")),
                name="autoresponder_has_subject_and_text",
                violation_error_message=_(
                    "Der Autoresponder braucht einen Betreff und einen Text."
                ),
            )
        ]

    def __str__(self) -> str:
        return f"Autoresponder {self.account}"


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
