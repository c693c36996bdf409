from __future__ import annotations

from django.conf import settings
from django.db import models

from tickets.models.ticket import Ticket


class TicketMerge(models.Model):
    """One merge of a ticket into another, with all that is needed to take it back."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="merges")
    into = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="merges_here")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    moved_messages = models.JSONField(default=list)  # keys of TicketMessage
    moved_thread_ids = models.JSONField(default=list)  # keys of ThreadId
    # As the tickets were before; a closing time and a wait are restored with the status.
    status_before = models.CharField(max_length=16)
    waiting_before = models.DateTimeField(null=True, blank=True)
    closed_before = models.DateTimeField(null=True, blank=True)
    into_status_before = models.CharField(max_length=16)
    into_waiting_before = models.DateTimeField(null=True, blank=True)
    into_closed_before = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], condition=models.Q(undone_at=None), name="merged_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} → {self.into_id}"
