from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage


class ArchiveEntry(models.Model):
    """That a message is kept for an account. Deleting empties the entry; it stays as a tombstone."""

    account = models.ForeignKey(
        MailAccount, on_delete=models.PROTECT, related_name="archive_entries"
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
    bytes_pending = models.BooleanField(default=False)  # nobody needs the bytes; they go next

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
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(bytes_pending=True),
                name="archive_bytes_to_delete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.sha256[:12]}"
