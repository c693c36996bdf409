"""`manage.py wait_for_database --then PART`: the entry point of a container."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

PARTS = ("web", "worker", "scheduler", "watcher")


class Command(BaseCommand):
    help = "Wartet auf die Datenbank und wird dann zu einem Teil: web, worker QUEUES N, scheduler, watcher."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=int, default=120)
        parser.add_argument("--then", nargs="+", default=[], metavar="TEIL")

    def handle(self, *args: object, **options: object) -> None:
        deadline = time.monotonic() + int(str(options["seconds"]))
        then = options["then"]
        part = [str(word) for word in then] if isinstance(then, list) else []
        if part and part[0] not in PARTS:
            raise CommandError(f"Unbekannter Teil „{part[0]}“. Möglich: {', '.join(PARTS)}.")
        self._until(deadline, "die Datenbank", _is_reachable)
        if not part:
            return
        if part[0] == "web":
            call_command("migrate", verbosity=1)
        else:
            self._until(deadline, "das Anlegen der Tabellen", _is_migrated)
        command = _command(part)
        os.execvp(command[0], command)  # noqa: S606  # becomes the part, keeps the pid

    def _until(self, deadline: float, what: str, is_there: Callable[[], bool]) -> None:
        told = False
        while not is_there():
            if time.monotonic() > deadline:
                raise CommandError(f"Vergeblich auf {what} gewartet.")
            if not told:
                self.stdout.write(f"Warte auf {what} …")
                told = True
            time.sleep(1)


def _is_reachable() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _command(part: list[str]) -> list[str]:
    celery = [sys.executable, "-m", "celery", "-A", "poststelle"]
    match part:
        case ["web", *_]:
            return [
                sys.executable, "-m", "gunicorn", "poststelle.wsgi", "--bind=0.0.0.0:8000",
                "--workers=3", "--threads=4", "--no-control-socket", "--access-logfile=-",
            ]  # fmt: skip
        case ["worker", queues, concurrency]:
            threads = ["--pool=threads", f"--concurrency={concurrency}"]
            return [*celery, "worker", f"--queues={queues}", *threads]
        case ["scheduler", *_]:
            return [*celery, "beat", "--schedule=/tmp/celerybeat-schedule"]
        case ["watcher", *_]:
            return [sys.executable, "manage.py", "watch"]
        case _:
            raise CommandError("worker braucht Warteschlangen und Anzahl: worker mail_in 16")
