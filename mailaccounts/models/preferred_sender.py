from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import User


class PreferredSender(models.Model):
    """The sender a person wants to see chosen first; senders.py asks whether it is still permitted."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="preferred_sender")
    email = models.CharField(_("Absender"), max_length=320)

    class Meta:
        verbose_name = _("Bevorzugter Absender")
        verbose_name_plural = _("Bevorzugte Absender")

    def __str__(self) -> str:
        return self.email
