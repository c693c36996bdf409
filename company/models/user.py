from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.read_once import once
from company.rights import Right, has_right

if TYPE_CHECKING:
    from company.models.organisation import Employee


class User(AbstractUser):
    """Somebody who signs in. Rights come from the role (company/rights.py), never from groups."""

    class Role(models.TextChoices):
        ADMIN = "admin", _("Administrator")
        STAFF = "staff", _("Mitarbeiter")
        SUPPORT = "support", _("Support")
        AUDITOR = "auditor", _("Prüfer")

    class Theme(models.TextChoices):
        AUTO = "auto", _("wie das Gerät")
        LIGHT = "light", _("hell")
        DARK = "dark", _("dunkel")

    class Density(models.TextChoices):
        COMPACT = "kompakt", _("kompakt")
        ROOMY = "bequem", _("bequem")

    class Language(models.TextChoices):
        GERMAN = "de", _("Deutsch")
        ENGLISH = "en", _("Englisch")

    class AfterSend(models.TextChoices):
        NEXT = "next", _("nächstes Ticket")
        STAY = "stay", _("beim Ticket bleiben")
        LIST = "list", _("zur Liste")

    role = models.CharField(_("Rolle"), max_length=16, choices=Role, default=Role.STAFF)
    language = models.CharField(
        _("Sprache"), max_length=2, choices=Language, default=Language.GERMAN
    )
    theme = models.CharField(_("Darstellung"), max_length=8, choices=Theme, default=Theme.AUTO)
    density = models.CharField(
        _("Zeilenabstand"), max_length=8, choices=Density, default=Density.COMPACT
    )
    undo_seconds = models.PositiveSmallIntegerField(
        _("Senden rückgängig machen (Sekunden)"), default=10, validators=[MaxValueValidator(120)]
    )
    shortcuts_enabled = models.BooleanField(_("Tastenkürzel"), default=True)
    after_send = models.CharField(
        _("Nach dem Senden"), max_length=8, choices=AfterSend, default=AfterSend.STAY
    )
    mails_failures = models.BooleanField(
        _("Per E-Mail benachrichtigen, wenn etwas nicht ankommt"), default=False
    )
    # When the last such mail was queued; see outbox/mail_notices.py.
    failure_mail_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = pgettext_lazy("one", "Benutzer")
        verbose_name_plural = _("Benutzer")
        ordering = ["username"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=~models.Q(email=""), name="user_email_once"
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def may(self, right: Right) -> bool:
        return has_right(self, right)

    def find_employee(self) -> Employee | None:
        """The employee this user is, or None."""
        from company.models.organisation import Employee

        return once(("employee", self.pk), Employee.objects.filter(user=self).first)
