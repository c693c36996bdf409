"""Calls a message back that has not left yet."""

from __future__ import annotations

from outbox.models import OutgoingMessage


def cancel(outgoing: OutgoingMessage) -> bool:
    """One conditional UPDATE: True if the message will not be sent (any further), False if too late.

    A message that some recipients have already stays „gesendet“; the others are given up by a
    person's will, not here.
    """
    cancelled = OutgoingMessage.objects.filter(
        pk=outgoing.pk, state__in=OutgoingMessage.DUE, sent_at__isnull=True
    ).update(state=OutgoingMessage.State.CANCELLED, next_attempt_at=None, error_kind="")
    if cancelled:
        outgoing.state = OutgoingMessage.State.CANCELLED
    return bool(cancelled)
