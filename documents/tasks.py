"""Celery's hints to look at dispatches and print jobs; the work is in settle.py and print_jobs.py."""

from __future__ import annotations

from celery import shared_task

from documents import print_jobs, settle


@shared_task
def settle_dispatches() -> None:
    settle.settle_dispatches()


@shared_task
def run_print_jobs(printer_id: int) -> None:
    print_jobs.run_jobs(printer_id)


@shared_task
def run_due_print_jobs() -> None:
    print_jobs.sweep_jobs()
    for printer_id in print_jobs.due_printers():
        run_print_jobs.delay(printer_id)
