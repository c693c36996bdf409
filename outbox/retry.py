"""Sends a message again because a person said so."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from company.nudge import nudge
from mailaccounts import links
from mailaccounts.models import AccountLink
from outbox.models import OutgoingMessage, Recipient
from outbox.tasks import deliver_account, file_sent_copies

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
        ).update(state=Recipient.State.PENDING, is_judged=False)
        direction = AccountLink.Direction.OUTGOING
        if AccountLink.objects.filter(
            account_id=outgoing.account_id, direction=direction, state=AccountLink.State.FAILING
        ).exists():
            links.wake(outgoing.account_id, direction)
        nudge(deliver_account, outgoing.account_id)
    outgoing.state = State.QUEUED
    return True


def retry_certain(outgoing: OutgoingMessage) -> bool:
    """Like retry, but not where somebody may have got it: that is decided message by message."""
    return outgoing.state != State.UNCERTAIN and retry(outgoing)


def retry_sent_copy(outgoing: OutgoingMessage) -> bool:
    """Tries again to file the copy that was given up. False: it is not given up any more."""
    with transaction.atomic():
        wanted = OutgoingMessage.objects.filter(
            pk=outgoing.pk, sent_copy=OutgoingMessage.SentCopy.FAILED
        ).update(
            sent_copy=OutgoingMessage.SentCopy.WANTED,
            sent_copy_next_at=timezone.now(),
            sent_copy_attempts=0,
            sent_copy_error="",
        )
        if wanted:
            nudge(file_sent_copies, outgoing.account_id)
    return bool(wanted)
