"""Waking a worker. A nudge is a hint: lost, late or doubled it changes nothing but time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from celery import Task

log = logging.getLogger(__name__)


def nudge(task: Task[..., object], *ids: int) -> None:
    """After the commit, asks a worker to look at these rows; a dead broker is logged and swallowed."""

    def send() -> None:
        try:
            task.apply_async(args=ids, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("broker away, the sweep will do it: %s %s (%s)", task.name, ids, error)

    transaction.on_commit(send)
