from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailcore.messages import Mailbox


class StoredMessage(models.Model):
    """A message as it came or went: its bytes stand in the blob store, here is what was read in them.

    The same bytes are one row, however many folders and accounts they came through.
    """

    class Direction(models.TextChoices):
        INCOMING = "in", _("eingegangen")
        OUTGOING = "out", _("gesendet")

    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()  # bytes, as on the wire
    direction = models.CharField(max_length=3, choices=Direction)
    message_id = models.TextField()  # without angle brackets, capped at 998
    message_id_hash = models.CharField(max_length=40)  # hash_message_id()
    subject = models.CharField(max_length=998, blank=True)
    from_name = models.CharField(max_length=320, blank=True)
    from_email = models.CharField(max_length=320, blank=True)  # lower-case
    # {"from": [["name", "email"], …], "to": …, "cc": …, "reply_to": …, "delivered_to": …}
    people = models.JSONField(default=dict)
    date = models.DateTimeField(null=True, blank=True)  # as the sender claims
    received_at = models.DateTimeField(db_index=True)  # INTERNALDATE or time of queueing
    text = models.TextField(blank=True)  # capped, see store.py
    preview = models.CharField(max_length=200, blank=True)
    has_html = models.BooleanField(default=False)
    has_attachments = models.BooleanField(default=False)  # files, not pictures inside the text
    search_text = models.TextField(blank=True)  # normalised and capped
    defects = models.JSONField(default=list)  # list[str]

    is_new = False  # set by store_group where it made the row

    class Meta:
        ordering = ["-received_at"]
        # Named here and not at the fields: there PostgreSQL would get each twice, once for LIKE.
        constraints = [models.UniqueConstraint(fields=["sha256"], name="message_stored_once")]
        indexes = [
            models.Index(fields=["message_id_hash"], name="message_by_message_id"),
            models.Index(fields=["from_email"], name="message_by_sender"),
        ]

    def __str__(self) -> str:
        return self.subject or self.message_id

    @property
    def is_disguised(self) -> bool:
        """Whether the sender's name is somebody else's address."""
        return Mailbox(self.from_name, self.from_email).is_disguised

    @property
    def writer(self) -> str:
        """The sender as a list shows him: by name, if that can be told from an address."""
        return (not self.is_disguised and self.from_name) or self.from_email


class StoredAttachment(models.Model):
    """A file inside a stored message, as a reference into its bytes."""

    message = models.ForeignKey(
        StoredMessage, on_delete=models.CASCADE, related_name="attachments", db_index=False
    )
    path = models.CharField(max_length=200)  # place of the part, see mailcore.parse.read_part
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_id = models.CharField(max_length=255, blank=True)
    is_inline = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["message", "path"], name="attachment_path_once")
        ]

    def __str__(self) -> str:
        return self.filename


class CleanedBody(models.Model):
    """The safe HTML of a message, made once per policy version."""

    message = models.ForeignKey(StoredMessage, on_delete=models.CASCADE, related_name="+")
    policy = models.PositiveSmallIntegerField()
    html = models.TextField()
    blocked_images = models.PositiveIntegerField(default=0)
    is_too_complex = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "policy"], name="cleaned_once_per_policy")
        ]

    def __str__(self) -> str:
        return f"{self.message_id} v{self.policy}"
