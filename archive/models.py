from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import User
from company.rights import Right
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage


class ArchiveQuerySet(models.QuerySet["ArchiveEntry"]):
    def visible_to(self, user: User) -> ArchiveQuerySet:
        """Entries of the accounts whose mail the user may read."""
        if not user.may(Right.SEE_ARCHIVE):
            return self.none()
        return self.filter(account__in=MailAccount.objects.mail_visible_to(user))


class ArchiveEntry(models.Model):
    """That a message is kept for an account. Deleting empties the entry; it stays as a tombstone."""

    account = models.ForeignKey(
        # Without an index of its own, here and elsewhere: others begin with the same column.
        MailAccount,
        on_delete=models.PROTECT,
        related_name="archive_entries",
        db_index=False,
    )
    message = models.ForeignKey(
        StoredMessage,
        on_delete=models.PROTECT,
        related_name="archive_entries",
        null=True,  # a tombstone keeps the hash only
    )
    sha256 = models.CharField(max_length=64)
    direction = models.CharField(max_length=3, choices=StoredMessage.Direction)
    mail_date = models.DateTimeField()  # INTERNALDATE or time of sending
    archived_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_after = models.PositiveIntegerField(null=True, blank=True)  # days the account kept mail
    bytes_pending = models.BooleanField(default=False)  # nobody needs the bytes; they go next

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("Archiveintrag")
        ordering = ["-mail_date"]
        constraints = [
            models.UniqueConstraint(fields=["account", "sha256"], name="archived_once_per_account"),
            models.CheckConstraint(
                condition=models.Q(message__isnull=False) | models.Q(deleted_at__isnull=False),
                name="archive_entry_has_message_or_was_deleted",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "mail_date"]),
            models.Index(fields=["-mail_date", "-id"], name="archive_newest_first"),
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(bytes_pending=True),
                name="archive_bytes_to_delete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.sha256[:12]}"


class ArchiveAccess(models.Model):
    """Who looked for, read or took out what of the archive. Rows are only ever added."""

    class Action(models.TextChoices):
        SEARCH = "search", _("gesucht")
        VIEW = "view", _("angesehen")
        DOWNLOAD = "download", _("heruntergeladen")

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    user_name = models.CharField(max_length=200)  # stays when the user is deleted
    action = models.CharField(max_length=8, choices=Action)
    entry = models.ForeignKey(
        ArchiveEntry, on_delete=models.PROTECT, null=True, blank=True, related_name="accesses"
    )
    details = models.CharField(max_length=1000, blank=True)  # what was searched, which file

    class Meta:
        verbose_name = _("Zugriff auf das Archiv")
        verbose_name_plural = _("Zugriffe auf das Archiv")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["-at", "-id"], name="archive_access_newest")]

    def __str__(self) -> str:
        return f"{self.user_name}: {self.get_action_display()}"
