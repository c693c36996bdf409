"""Celery's hints to look at dispatches; the work is in settle.py."""

from __future__ import annotations

from celery import shared_task

from documents import settle


@shared_task
def settle_dispatches() -> None:
    settle.settle_dispatches()
