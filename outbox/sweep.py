"""What dead workers left behind."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from archive.add import add
from mailaccounts.links import is_owner_dead, release_dead_leases
from mailstore.models import StoredMessage
from outbox.claim import give_back
from outbox.models import Attempt, OutgoingMessage
from outbox.retry_schedule import next_look

log = logging.getLogger(__name__)

State = OutgoingMessage.State


def sweep() -> int:
    """Messages in „sendet“ whose worker is gone: uncertain if DATA had begun, else they wait again.

    Returns how many there were.
    """
    release_dead_leases()
    now = timezone.now()
    sending = OutgoingMessage.objects.filter(state=State.SENDING)
    owners = sending.order_by().values_list("claimed_by", flat=True).distinct()
    dead = [owner for owner in owners if is_owner_dead(owner.partition("/")[0])]
    stale = sending.filter(Q(claimed_until__lt=now) | Q(claimed_by__in=dead))
    uncertain = list(stale.filter(data_started_at__isnull=False).select_related("message"))
    back = give_back(stale.filter(data_started_at__isnull=True))
    for outgoing in uncertain:
        _declare_uncertain(outgoing, now)
    if back or uncertain:
        log.warning("swept up: %s wait again, %s uncertain", back, len(uncertain))
    return back + len(uncertain)


def _declare_uncertain(outgoing: OutgoingMessage, now: datetime) -> None:
    """`claimed_by` stays: should the worker live after all, its result still counts."""
    with transaction.atomic():
        declared = OutgoingMessage.objects.filter(
            pk=outgoing.pk, state=State.SENDING, claimed_by=outgoing.claimed_by
        ).update(
            state=State.UNCERTAIN,
            claimed_until=None,
            next_attempt_at=next_look(now, now),
            error_kind="uncertain",
        )
        if not declared:
            return
        Attempt.objects.create(
            outgoing=outgoing,
            started_at=outgoing.data_started_at or now,
            ended_at=now,
            server=f"{outgoing.account.smtp_host}:{outgoing.account.smtp_port}",
            step="body",
            verdict="uncertain",
        )
        if outgoing.origin not in OutgoingMessage.NOT_ARCHIVED:
            add(
                account=outgoing.account,
                message=outgoing.message,
                direction=StoredMessage.Direction.OUTGOING,
                mail_date=outgoing.data_started_at or now,
            )
