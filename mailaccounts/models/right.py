from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import User


class AccountRight(models.Model):
    """What one user may do with one account; MailAccountQuerySet says what follows from it."""

    account = models.ForeignKey(
        "mailaccounts.MailAccount", on_delete=models.CASCADE, related_name="rights"
    )
    # Protected: an account without any row is everybody's, so the last one must not just vanish.
    user = models.ForeignKey(
        User, verbose_name=_("Benutzer"), on_delete=models.PROTECT, related_name="account_rights"
    )
    may_read = models.BooleanField(_("lesen"), default=False)
    may_send = models.BooleanField(_("senden"), default=False)
    may_manage = models.BooleanField(_("verwalten"), default=False)

    class Meta:
        verbose_name = _("Recht am Account")
        verbose_name_plural = _("Rechte am Account")
        ordering = ["account", "user"]
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="account_right_once"),
            models.CheckConstraint(
                condition=models.Q(may_read=True)
                | models.Q(may_send=True)
                | models.Q(may_manage=True),
                name="account_right_is_one",
                violation_error_message=_("Bitte geben Sie mindestens ein Recht."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.words}"

    @property
    def words(self) -> str:
        """„lesen, senden“."""
        words = (
            (self.may_read, _("lesen")),
            (self.may_send, _("senden")),
            (self.may_manage, _("verwalten")),
        )
        return ", ".join(str(word) for has_it, word in words if has_it)
