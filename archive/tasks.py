from __future__ import annotations

from celery import shared_task

from archive import delete_expired as expiry


@shared_task(ignore_result=True)
def delete_expired() -> int:
    return expiry.delete_expired()
