from __future__ import annotations

import threading
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from company.nudge import nudge
from intake import kept, poll
from intake.due import due_accounts
from mailaccounts.links import is_failing, mark_queued, release_dead_leases
from mailaccounts.models import AccountLink

INCOMING = AccountLink.Direction.INCOMING
_EXPIRES = max(60, settings.POLL_SECONDS)
_QUEUED = timedelta(seconds=max(30, settings.POLL_SECONDS))  # then the broker may have lost it
# Accounts in trouble mostly wait for time-outs: of a worker's 16 threads they get these at most.
_places_for_failing = threading.BoundedSemaphore(6)


@shared_task(ignore_result=True)
def poll_due_accounts() -> None:
    release_dead_leases()
    for account_id in due_accounts():
        if mark_queued(account_id, INCOMING, again_after=_QUEUED):
            nudge(poll_account, account_id)
    for account_id in kept.waiting_accounts():
        nudge(take_over_kept, account_id)


@shared_task(ignore_result=True, expires=_EXPIRES)
def poll_account(account_id: int, tries: int = 3) -> None:
    if not is_failing(account_id, INCOMING):
        _poll(account_id, tries)
    elif _places_for_failing.acquire(blocking=False):
        try:
            _poll(account_id, tries)
        finally:
            _places_for_failing.release()


def _poll(account_id: int, tries: int) -> None:
    summary = poll.poll_account(account_id)
    if summary.has_more:
        nudge(poll_account, account_id)
    elif summary.is_busy and tries:
        # The poll that runs now may have looked before the news came.
        poll_account.apply_async((account_id, tries - 1), countdown=1, retry=False)


@shared_task(ignore_result=True, expires=_EXPIRES)
def take_over_kept(account_id: int) -> None:
    kept.take_over_waiting(account_id)
