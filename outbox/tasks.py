"""Alarm clocks of the outbox; the work stands in its rows."""

from __future__ import annotations

from celery import shared_task

from outbox import deliver, sent_copy, sweep
from outbox import mark_bounced as marking
from outbox import settle_uncertain as settling


@shared_task(ignore_result=True)
def deliver_account(account_id: int) -> None:
    deliver.deliver_account(account_id)


@shared_task(ignore_result=True)
def deliver_due_accounts() -> None:
    sweep.sweep()
    for account_id in deliver.due_accounts():
        deliver_account.delay(account_id)


@shared_task(ignore_result=True)
def file_sent_copies(account_id: int) -> None:
    sent_copy.file_sent_copies(account_id)


@shared_task(ignore_result=True)
def file_due_sent_copies() -> None:
    for account_id in sent_copy.due_accounts():
        file_sent_copies.delay(account_id)


@shared_task(ignore_result=True)
def settle_uncertain() -> None:
    settling.settle_uncertain()


@shared_task(ignore_result=True)
def mark_bounced() -> None:
    marking.mark_bounced()
