from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SettingsChange(models.Model):
    """One setting somebody changed; written by company/audit.py, never altered.

    In German, as stored: the log is a record and keeps the words of the day it was written.
    """

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("E-Mail Account")
        COMPANY = "company", _("Grundeinstellungen")
        PROJECT = "project", _("Projekt")
        QUEUE = "queue", _("Warteschlange")
        EMPLOYEE = "employee", _("Mitarbeiter")
        USER = "user", _("Benutzer")

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Person"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    user_name = models.CharField(max_length=200)  # stays when the user is deleted
    kind = models.CharField(_("Art"), max_length=10, choices=Kind)
    object_id = models.BigIntegerField()
    label = models.CharField(max_length=200)  # what the object was called
    field = models.CharField(max_length=120, blank=True)  # empty = the object as a whole
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    class Meta:
        verbose_name = _("Änderung")
        verbose_name_plural = _("Protokoll")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at"], name="change_by_time"),
            models.Index(fields=["kind", "object_id", "-at"], name="change_by_object"),
            models.Index(fields=["user", "-at"], name="change_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.field}"
