"""Sends a message again because a person said so."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from company.nudge import nudge
from mailaccounts import links
from mailaccounts.models import AccountLink
from outbox.models import OutgoingMessage, Recipient
from outbox.tasks import deliver_account

State = OutgoingMessage.State

RETRYABLE = (State.RETRY, State.FAILED, State.UNCERTAIN, State.BOUNCED)


def retry(outgoing: OutgoingMessage) -> bool:
    """Queues the message for those who have not got it. False: its state has changed meanwhile.

    An account held only by its own back-off is tried at once; one that waits for a new login or a
    provider's window is not.
    """
    with transaction.atomic():
        queued = OutgoingMessage.objects.filter(pk=outgoing.pk, state__in=RETRYABLE).update(
            state=State.QUEUED,
            next_attempt_at=timezone.now(),
            attempts_made=0,
            claimed_by="",
            claimed_until=None,
            data_started_at=None,
        )
        if not queued:
            return False
        outgoing.recipients.filter(
            state__in=[Recipient.State.REFUSED, Recipient.State.BOUNCED]
        ).update(state=Recipient.State.PENDING)
        direction = AccountLink.Direction.OUTGOING
        if AccountLink.objects.filter(
            account_id=outgoing.account_id, direction=direction, state=AccountLink.State.FAILING
        ).exists():
            links.wake(outgoing.account_id, direction)
        nudge(deliver_account, outgoing.account_id)
    outgoing.state = State.QUEUED
    return True
