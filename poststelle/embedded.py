"""Web, worker, scheduler and watcher in one process: what `make run` starts.

The same code as in production; only the broker is in memory. Whatever dies with this process stands
in the database and is picked up at the next start.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import waitress
from celery import beat
from celery.worker import WorkController
from django.conf import settings
from django.core.management import CommandError
from django.core.wsgi import get_wsgi_application

from intake.watch import Watcher
from mailaccounts.links import forget_queue, release_dead_leases
from outbox.sweep import sweep
from poststelle.celery import HOUSEKEEPING, MAIL_IN, MAIL_OUT, app

log = logging.getLogger(__name__)
DRAIN_SECONDS = 10
WORKER_THREADS = 16  # threads wait for servers; a few hanging ones must not stop the rest


class Embedded:
    """All parts of one installation, started and stopped together."""

    def __init__(self, *, host: str, port: int, web_threads: int = 8) -> None:
        self._lock = _lock_data_directory(settings.DATA_DIR)
        self._server = waitress.create_server(
            get_wsgi_application(), host=host, port=port, threads=web_threads, ident=None
        )
        self._worker = WorkController(
            app=app,
            pool="threads",
            concurrency=WORKER_THREADS,
            queues=[MAIL_IN, MAIL_OUT, HOUSEKEEPING],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._beat = beat.Service(app, scheduler_cls=beat.Scheduler)
        self._watcher = Watcher()
        self._stopping = threading.Event()

    def run(self, *, ready: Callable[[], None]) -> None:
        """Serves until `stop`; calls `ready` once everything is started."""
        release_dead_leases()
        forget_queue()
        sweep()
        parts = [
            threading.Thread(target=self._guard, args=(part, name), name=name, daemon=True)
            for name, part in (("worker", self._worker.start), ("scheduler", self._run_beat))
        ]
        for part in parts:
            part.start()
        self._watcher.start()
        ready()
        self._server.run()

    def stop(self) -> None:
        """Lets running work end for up to DRAIN_SECONDS, then leaves; a second call leaves at once."""
        if self._stopping.is_set():
            os._exit(1)
        self._stopping.set()
        drain = threading.Thread(target=self._drain, name="drain")
        drain.start()
        drain.join(DRAIN_SECONDS)
        os._exit(0)  # pool threads are no daemons and would keep the process alive

    def _drain(self) -> None:
        self._beat.stop(wait=False)
        self._watcher.stop()
        self._worker.stop(in_sighandler=False)
        self._server.close()

    def _run_beat(self) -> None:
        self._beat.start(embedded_process=False)

    def _guard(self, part: Callable[[], object], name: str) -> None:
        """Ends the process when a part dies: half an installation must not look alive."""
        try:
            part()
        except BaseException:
            log.exception("%s died", name)
        if not self._stopping.is_set():
            log.critical("%s ended, leaving", name)
            os._exit(70)


def _lock_data_directory(directory: Path) -> IO[str]:
    """One installation per data directory; the lock goes with the process."""
    file = (directory / "serve.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(
            f"In {directory} läuft schon eine Poststelle. Beenden Sie sie zuerst, "
            f"oder wählen Sie mit DATA_DIR ein anderes Verzeichnis."
        ) from None
    return file
