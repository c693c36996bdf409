"""A whole installation in processes of its own: embedded on SQLite, or a fleet on PostgreSQL and Redis."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.servers import warm
from tests.servers.empty_database import SQLITE, address_of, migrated_postgres, migrated_sqlite
from tests.servers.free_port import LOOPBACK, free_port
from tests.servers.postgres import run_postgres
from tests.servers.redis import run_redis
from tests.servers.warm import WarmProcess

ROOT = Path(__file__).parents[2]
EMBEDDED, FLEET = "embedded", "fleet"
KINDS = (EMBEDDED, FLEET)


class Inside:
    """A running tests/flows/inside.py."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.create_server((LOOPBACK, 0)) as server:
            server.settimeout(60)
            command = ["-m", "tests.flows.inside", str(server.getsockname()[1])]
            self._process = warm.start(command, environment=environment, log=log)
            self._asking, _ = server.accept()
        self._asking.settimeout(60)
        self._questions, self._answers = self._asking.makefile("w"), self._asking.makefile()

    def ask(self, *question: str) -> dict[str, list[str]]:
        print(json.dumps(question), file=self._questions, flush=True)
        answer: dict[str, list[str]] = json.loads(self._answers.readline())
        return answer

    def close(self) -> None:
        """The end of the questions is its end."""
        for stream in (self._questions, self._answers, self._asking):
            stream.close()
        self._process.wait()


@dataclass
class Installation:
    """Starts, kills and asks an installation; every process is known by its pid and ended by it."""

    kind: str
    data_dir: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    processes: list[WarmProcess] = field(default_factory=list)
    _inside: Inside | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Runs a command to its end and returns what it printed."""
        result = warm.run(["manage.py", *arguments], environment=self.environment)
        if check and result.returncode:
            raise AssertionError(f"{arguments}: {result.stdout}\n{result.stderr}")
        return result.stdout

    def ask(self, question: str, *arguments: str) -> dict[str, list[str]]:
        """The answer of a function in tests/flows/inside.py, run inside the installation's settings."""
        if self._inside is None:
            self._inside = Inside(self.environment, self.data_dir / "inside.log")
        return self._inside.ask(question, *arguments)

    def provision(self, text: str) -> None:
        file = self.data_dir / "firma.toml"
        file.write_text(text)
        self.manage("provision", str(file))

    def start(self) -> None:
        """Starts all processes; returns when the web (embedded) or the workers (fleet) are there."""
        log = self.data_dir / "output.log"
        for command in self._commands():
            self.processes.append(warm.start(command, environment=self.environment, log=log))
        if self.kind == EMBEDDED:
            wait_until(self._answers, seconds=60, what=f"{self.url} answers\n{self.log_end()}")

    def kill(self) -> None:
        """kill -9, all processes at once."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def close(self) -> None:
        self.kill()
        if self._inside is not None:
            self._inside.close()
            self._inside = None

    def log_end(self) -> str:
        file = self.data_dir / "output.log"
        return file.read_text("utf-8", "replace")[-3000:] if file.exists() else ""

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _commands(self) -> list[list[str]]:
        if self.kind == EMBEDDED:
            return [["manage.py", "serve", "--port", str(self.port)]]
        celery = ["-m", "celery", "-A", "poststelle"]
        # One process each, so that kill -9 of the parent leaves no children behind.
        solo = ["--pool=threads", "--concurrency=2", "--without-gossip", "--without-mingle"]
        return [
            [*celery, "worker", "--queues=mail_in", "--hostname=in@%h", *solo],
            [*celery, "worker", "--queues=mail_out,housekeeping", "--hostname=out@%h", *solo],
            [*celery, "beat", f"--schedule={self.data_dir / 'beat'}", "--pidfile="],
            ["manage.py", "watch"],
        ]


@contextmanager
def installed(kind: str, folder: Path, **settings: str) -> Iterator[Installation]:
    """An installation with a migrated database, not yet started; killed at the end."""
    with ExitStack() as stack:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "REDIS_URL", "DATA_DIR", "DJANGO_SETTINGS_MODULE"}
            and not name.startswith(("POSTSTELLE_", "PYTEST_"))
        }
        environment |= {"DATA_DIR": str(folder), "POSTSTELLE_POLL_SECONDS": "1", **settings}
        if kind == FLEET:
            environment["DATABASE_URL"] = stack.enter_context(_migrated_database())
            environment["REDIS_URL"] = stack.enter_context(run_redis()).url
        installation = Installation(kind, folder, environment)
        stack.callback(installation.close)
        if kind == EMBEDDED:
            (folder / SQLITE).write_bytes(migrated_sqlite())
        yield installation


@contextmanager
def _migrated_database() -> Iterator[str]:
    """On the server of the whole run (scripts/test.py), or one of its own."""
    with ExitStack() as stack:
        url = os.environ.get("TEST_POSTGRES_URL") or stack.enter_context(run_postgres()).url
        name = f"fleet_{uuid.uuid4().hex[:16]}"
        template = migrated_postgres(url)
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield address_of(url, name)
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Returns when the condition holds. Raises AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.2)
