from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """A „Hinweis“: something one person should know, kept until it is read and after."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    text = models.CharField(max_length=500)  # in the language of the user, as shown
    url = models.CharField(max_length=300, blank=True)  # path inside Poststelle
    once_key = models.CharField(max_length=120)  # what has the same key is told once
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mail_due = models.BooleanField(default=False)  # told by mail, too; see outbox/mail_notices.py

    class Meta:
        verbose_name = _("Hinweis")
        verbose_name_plural = _("Hinweise")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "once_key"], name="notification_once")
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_newest"),
            models.Index(
                fields=["user"], condition=models.Q(read_at=None), name="notification_unread"
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(mail_due=True),
                name="notification_mail_due",
            ),
        ]

    def __str__(self) -> str:
        return self.text
