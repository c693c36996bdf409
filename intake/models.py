from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import MailAccount, MailFolder
from mailstore.models import StoredMessage

IMPORTED = 0  # as UIDVALIDITY: from a file; no server may use it (RFC 3501 9: nz-number)


class FolderCursor(models.Model):
    """How far a folder has been taken over: everything up to `last_uid` stands in the ledger."""

    folder = models.OneToOneField(MailFolder, on_delete=models.CASCADE, related_name="cursor")
    # Whose numbers these are, see numbering.py; "" as long as nobody noted it.
    mailbox = models.CharField(max_length=600, default="", blank=True)
    uidvalidity = models.PositiveBigIntegerField()
    last_uid = models.PositiveBigIntegerField(default=0)
    # What had arrived by then is backlog: it gets no automatic answer.
    started_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.folder}: {self.uidvalidity}/{self.last_uid}"


class IntakeItem(models.Model):
    """The ledger: one row for every message seen on a server, committed before it is touched."""

    class State(models.TextChoices):
        NOTED = "noted", _("vorgemerkt")  # seen on the server, not taken over yet
        DONE = "done", _("übernommen")
        EXCLUDED = "excluded", _("vor „Ab Datum“")
        TOO_LARGE = "too_large", _("zu groß")
        QUARANTINED = "quarantined", _("Quarantäne")
        IGNORED = "ignored", _("ignoriert")
        GONE = "gone", _("auf dem Server gelöscht")  # before it could be fetched

    account = models.ForeignKey(
        MailAccount, on_delete=models.PROTECT, related_name="intake_items", db_index=False
    )
    folder = models.ForeignKey(MailFolder, on_delete=models.PROTECT, related_name="intake_items")
    uidvalidity = models.PositiveBigIntegerField()
    uid = models.PositiveBigIntegerField()
    state = models.CharField(max_length=12, choices=State, default=State.NOTED)
    size = models.PositiveBigIntegerField(default=0)
    internal_date = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    blob = models.CharField(max_length=64, blank=True)  # SHA-256 once the bytes are kept
    message_id_hash = models.CharField(max_length=40, blank=True)
    message = models.ForeignKey(
        # Null again once the archive's retention has deleted the message: `blob` still names it.
        StoredMessage,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="intake_items",
    )
    # Deleting on the server: wanted when taken over, done when the server said so.
    delete_wanted = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    noted_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "folder", "uidvalidity", "uid"], name="intake_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | ~models.Q(blob=""),
                name="intake_done_has_bytes",
            ),
            models.CheckConstraint(
                condition=models.Q(delete_wanted=False) | models.Q(state="done"),
                name="intake_deletes_only_what_is_kept",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "folder"],
                condition=models.Q(state="noted"),
                name="intake_open",
            ),
            models.Index(
                fields=["account", "folder"],
                condition=models.Q(delete_wanted=True, deleted_at__isnull=True),
                name="intake_to_delete",
            ),
            models.Index(
                fields=["folder", "internal_date"],
                condition=models.Q(state="excluded"),
                name="intake_excluded",
            ),
            models.Index(
                fields=["account"],
                condition=models.Q(state__in=["quarantined", "too_large"]),
                name="intake_set_aside",
            ),
            models.Index(fields=["account", "message_id_hash"], name="intake_by_message_id"),
            models.Index(
                fields=["state", "-internal_date"],
                condition=models.Q(state__in=["quarantined", "too_large", "excluded", "ignored"]),
                name="intake_listed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.folder} {self.uidvalidity}/{self.uid}: {self.state}"

    @property
    def is_imported(self) -> bool:
        """From a file, not from the server: there is nothing to fetch again or to delete."""
        return self.uidvalidity == IMPORTED

    @property
    def has_whole_mail(self) -> bool:
        """Whether the kept bytes are all of it; what was never tried has its headers at most."""
        return bool(self.blob) and self.attempts > 0
