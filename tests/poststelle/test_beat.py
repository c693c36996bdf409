"""The scheduler asks only for work that a worker knows."""

from __future__ import annotations

from poststelle.celery import app


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    asked_for = {str(entry["task"]) for entry in app.conf.beat_schedule.values()}
    assert asked_for
    assert asked_for - set(app.tasks) == set()
