from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BouncedEmail(models.Model):
    """An e-mail address that mail cannot be delivered to, whoever it belongs to."""

    email = models.CharField(max_length=320, unique=True)  # lower case
    reason = models.CharField(max_length=500, blank=True)  # in the words of the server
    bounced_at = models.DateTimeField()

    class Meta:
        verbose_name = _("unzustellbare Adresse")
        verbose_name_plural = _("unzustellbare Adressen")
        indexes = [models.Index(fields=["bounced_at"])]

    def __str__(self) -> str:
        return self.email
