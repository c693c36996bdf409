"""Celery's hint to look at answers that did not arrive; the work is in note_failures.py."""

from __future__ import annotations

from celery import shared_task

from tickets import note_failures as noting


@shared_task(ignore_result=True)
def note_failures() -> None:
    noting.note_failures()
