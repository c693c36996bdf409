"""Sends a scheduled message without waiting for its moment."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from company.nudge import nudge
from outbox.models import OutgoingMessage
from outbox.tasks import deliver_account


def send_now(outgoing: OutgoingMessage) -> bool:
    """From „geplant“ to „wartet“, due now. False: it is not scheduled any more."""
    with transaction.atomic():
        queued = OutgoingMessage.objects.filter(
            pk=outgoing.pk, state=OutgoingMessage.State.SCHEDULED
        ).update(state=OutgoingMessage.State.QUEUED, next_attempt_at=timezone.now())
        if queued:
            nudge(deliver_account, outgoing.account_id)
    return bool(queued)
