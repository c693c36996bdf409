"""Celery's hint to look at letters that failed; the work is in tell_failures.py."""

from __future__ import annotations

from celery import shared_task

from crm import tell_failures as letters


@shared_task
def tell_failures() -> None:
    letters.tell_failures()
