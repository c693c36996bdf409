from __future__ import annotations

from celery import shared_task
from django.conf import settings

from company.nudge import nudge
from intake import kept, poll
from intake.due import due_accounts
from mailaccounts.links import release_dead_leases


@shared_task(ignore_result=True)
def poll_due_accounts() -> None:
    release_dead_leases()
    for account_id in due_accounts():
        nudge(poll_account, account_id)
    for account_id in kept.waiting_accounts():
        nudge(take_over_kept, account_id)


@shared_task(ignore_result=True, expires=max(60, settings.POLL_SECONDS))
def poll_account(account_id: int, tries: int = 3) -> None:
    summary = poll.poll_account(account_id)
    if summary.has_more:
        nudge(poll_account, account_id)
    elif summary.is_busy and tries:
        # The poll that runs now may have looked before the news came.
        poll_account.apply_async((account_id, tries - 1), countdown=1, retry=False)


@shared_task(ignore_result=True, expires=max(60, settings.POLL_SECONDS))
def take_over_kept(account_id: int) -> None:
    kept.take_over_waiting(account_id)
