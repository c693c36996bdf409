"""Sends what is due on one account: claim, talk SMTP outside any transaction, record each result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connections
from django.utils import timezone

from mailaccounts import links
from mailaccounts.models import MailAccount
from outbox.claim import BATCH, due_messages
from outbox.desk import Desk
from outbox.hold import NO_BRAKE, OUT, sendable
from outbox.lane import DeliverySummary, Lane
from outbox.models import OutgoingMessage

__all__ = ["DeliverySummary", "deliver_account", "due_accounts"]


def deliver_account(account_id: int) -> DeliverySummary:
    """Sends what is due; returns at once where another worker has the account or it is held."""
    summary = DeliverySummary()
    while True:
        with links.hold_lease(account_id, OUT) as owner:
            account = sendable(account_id).first() if owner else None
            if owner is None or account is None:
                return summary
            run = _deliver_on_lanes(account, owner)
            summary.add(run)
        # A message queued while we let go of the lease has knocked in vain.
        if run.problem or not run.total or not due_messages(account_id).exists():
            return summary


def due_accounts() -> list[int]:
    """Accounts with something to send on which nobody works."""
    due = OutgoingMessage.objects.filter(
        state__in=OutgoingMessage.DUE, next_attempt_at__lte=timezone.now()
    )
    ready = links.ready_accounts(OUT).filter(NO_BRAKE, pk__in=due.values("account_id"))
    return list(ready.values_list("pk", flat=True))


def _deliver_on_lanes(account: MailAccount, owner: str) -> DeliverySummary:
    """One connection, or as many as the account allows and the queue is worth."""
    most = account.max_connections
    waiting = due_messages(account.pk)[: BATCH * most].count() if most > 1 else 1
    count = max(1, min(most, -(-waiting // BATCH)))
    desk = Desk(account, owner, connections=count)
    try:
        summary = _run_lanes([Lane(desk) for _ in range(count)])
    finally:
        desk.close()
    summary.problem = desk.problem
    return summary


def _run_lanes(lanes: list[Lane]) -> DeliverySummary:
    if len(lanes) == 1:
        return lanes[0].run()
    summary = DeliverySummary()
    with ThreadPoolExecutor(len(lanes), thread_name_prefix="deliver") as pool:
        for result in pool.map(_run_in_thread, lanes):
            summary.add(result)
    return summary


def _run_in_thread(lane: Lane) -> DeliverySummary:
    try:
        return lane.run()
    finally:
        connections.close_all()
