"""A message of unknown fate was sent after all: somebody or something has seen it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from outbox.models import OutgoingMessage, Recipient


def mark_sent(outgoing: OutgoingMessage, *, is_filed: bool = False, note: str = "") -> bool:
    """From „unklar“ to „gesendet“; False if it is not uncertain any more.

    `is_filed`: it lies in the Sent folder already, so no copy is wanted. `note`: shown instead of
    the server's last words.
    """
    now = timezone.now()
    with transaction.atomic():
        marked = OutgoingMessage.objects.filter(
            pk=outgoing.pk, state=OutgoingMessage.State.UNCERTAIN
        ).update(
            state=OutgoingMessage.State.SENT,
            sent_at=Coalesce(F("sent_at"), F("data_started_at"), now),
            next_attempt_at=None,
            claimed_by="",
            error_kind="",
            last_reply=note[:500],
        )
        if not marked:
            return False
        outgoing.recipients.filter(state=Recipient.State.PENDING).update(
            state=Recipient.State.ACCEPTED
        )
        wanted = OutgoingMessage.objects.filter(
            pk=outgoing.pk, sent_copy=OutgoingMessage.SentCopy.WANTED
        )
        if is_filed:
            wanted.update(sent_copy=OutgoingMessage.SentCopy.FILED, sent_copy_next_at=None)
        else:
            wanted.filter(sent_copy_next_at__isnull=True).update(sent_copy_next_at=now)
    outgoing.state = OutgoingMessage.State.SENT
    return True
