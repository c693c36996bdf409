"""The Celery app: queues, routes and the beat table. Work itself lives in rows, never here."""

from __future__ import annotations

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")

MAIL_IN, MAIL_OUT, HOUSEKEEPING = "mail_in", "mail_out", "housekeeping"

app = Celery("poststelle")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_queues = [Queue(name) for name in (MAIL_IN, MAIL_OUT, HOUSEKEEPING)]
app.conf.task_routes = {
    "intake.tasks.*": {"queue": MAIL_IN},
    "outbox.tasks.*": {"queue": MAIL_OUT},
    "documents.tasks.run_print_jobs": {"queue": MAIL_OUT},
}


def _every(seconds: int, task: str) -> dict[str, object]:
    """An entry of the beat table; a run that waited longer than its interval is dropped."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds - 1, 1)}}


app.conf.beat_schedule = {
    "poll due accounts": _every(5, "intake.tasks.poll_due_accounts"),
    "deliver due mail": _every(5, "outbox.tasks.deliver_due_accounts"),
    "file sent copies": _every(20, "outbox.tasks.file_due_sent_copies"),
    "settle uncertain mail": _every(60, "outbox.tasks.settle_uncertain"),
    "tell admins of failing accounts": _every(60, "poststelle.tasks.alert_admins"),
    "mail notices of failures": _every(60, "poststelle.tasks.mail_notices"),
    "mark dead addresses": _every(60, "outbox.tasks.mark_bounced"),
    "tell failed answers": _every(15, "tickets.tasks.note_failures"),
    "tell failed letters": _every(15, "crm.tasks.tell_failures"),
    "print due documents": _every(5, "documents.tasks.run_due_print_jobs"),
    "note fate of documents": _every(10, "documents.tasks.settle_dispatches"),
    "delete expired archive entries": _every(3600, "archive.tasks.delete_expired"),
}
