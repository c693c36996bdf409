"""Python processes that start in a fraction of the time: forked from one that has the modules loaded.

A new interpreter needs its first two or three seconds for importing. Here one process imports the
libraries once; for every environment it forks one that sets up Django with the settings of this
environment and imports the project; and that one forks for each command. So a command is a process of
its own with its own environment and settings, as by `python …`, and does not know of its forebears:
nothing is open, no thread runs, and no connection was made before it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).parents[2]
# Libraries only: nothing of the project, whose settings come from the child's environment.
_LIBRARIES = [
    "asyncio", "bleach.css_sanitizer", "celery.app.base", "celery.beat", "celery.bin.celery",
    "celery.bin.worker", "celery.worker.worker", "cryptography.fernet", "django.conf.locale",
    "django.contrib.admin", "django.contrib.auth.hashers",
    "django.core.management.commands.migrate", "django.db.migrations.executor", "django.forms",
    "django.template", "django.urls", "django.views.debug", "django_htmx.middleware",
    "django_stubs_ext", "dns.resolver", "fpdf", "google_auth_oauthlib.flow", "imapclient",
    "aiosmtplib", "kombu.transport.memory", "kombu.transport.redis", "lxml.html", "psycopg",
    "pypdf", "requests_oauthlib", "sqlite3", "tinycss2", "tnefparse", "waitress",
    "whitenoise.middleware",
]  # fmt: skip
_MOST_HOUSES = 4
_CRASH_AT = "POSTSTELLE_CRASH_AT"  # the one setting in which commands of one environment differ


@dataclass
class WarmProcess:
    """A started command, as subprocess.Popen would give it."""

    pid: int
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        return self._ask(0)

    def wait(self, seconds: float = 120) -> int:
        """The exit code; negative: the signal that ended it. Raises TimeoutError, the process killed."""
        code = self._ask(seconds)
        if code is None:
            os.kill(self.pid, signal.SIGKILL)
            self._ask(10)
            raise TimeoutError(f"process {self.pid} did not end in {seconds} s")
        return code

    def _ask(self, seconds: float) -> int | None:
        if self.returncode is None:
            self.returncode = _parent().ask({"wait": self.pid, "seconds": seconds})
        return self.returncode


def start(arguments: Sequence[str], *, environment: dict[str, str], log: Path) -> WarmProcess:
    """Like `python ARGUMENTS >> log 2>&1` in the project's folder; the environment is the whole one."""
    return _start(arguments, environment, str(log), str(log))


def run(
    arguments: Sequence[str], *, environment: dict[str, str], seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Like subprocess.run(["python", *arguments], capture_output=True, text=True)."""
    with tempfile.TemporaryDirectory(prefix="poststelle-run-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = _start(arguments, environment, str(out), str(err)).wait(seconds)
        texts = [file.read_text("utf-8", "replace") for file in (out, err)]
    return subprocess.CompletedProcess(list(arguments), code, *texts)


def _start(
    arguments: Sequence[str], environment: dict[str, str], out: str, err: str
) -> WarmProcess:
    order = {"arguments": list(arguments), "environment": environment, "out": out, "err": err}
    pid = _parent().ask(order)
    assert pid is not None
    return WarmProcess(pid)


class _Parent:
    """The process that has the libraries; it ends with the one that started it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.warm"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, order: dict[str, Any]) -> int | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            answer: int | None = json.loads(self._process.stdout.readline())
        return answer


@cache
def _parent() -> _Parent:
    return _Parent()


class _House:
    """The process that has Django set up in one environment, and those that were forked from it."""

    def __init__(self, environment: dict[str, str]) -> None:
        theirs, orders = os.pipe()
        answers, ours = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.dup2(theirs, 0)
            os.dup2(ours, 1)
            _serve_house(environment)
        os.close(theirs)
        os.close(ours)
        self._orders, self._answers = os.fdopen(orders, "w"), os.fdopen(answers)
        self.is_set_up = bool(self._answers.readline())
        self.running: set[int] = set()

    def ask(self, order: dict[str, Any]) -> int | None:
        _write(self._orders, order)
        answer: int | None = json.loads(self._answers.readline())
        if "wait" not in order:
            assert answer is not None
            self.running.add(answer)
        elif answer is not None:
            self.running.discard(order["wait"])
        return answer

    def close(self) -> None:
        self._orders.close()
        self._answers.close()
        os.waitpid(self._pid, 0)


class _Houses:
    """One for each environment; those used last are kept."""

    def __init__(self) -> None:
        self._houses: dict[frozenset[tuple[str, str]], _House] = {}

    def start(self, order: dict[str, Any]) -> int:
        environment = {k: v for k, v in order["environment"].items() if k != _CRASH_AT}
        key = frozenset(environment.items())
        house = self._houses.pop(key, None) or _House(environment)
        idle = [key for key, other in self._houses.items() if not other.running]
        for unused in idle[: max(0, len(self._houses) + 1 - _MOST_HOUSES)]:
            self._houses.pop(unused).close()
        self._houses[key] = house  # the last one again
        pid = house.ask(order) if house.is_set_up else _fork_for(order)
        assert pid is not None
        return pid

    def wait(self, order: dict[str, Any]) -> int | None:
        for house in self._houses.values():
            if order["wait"] in house.running:
                return house.ask(order)
        return _wait(order["wait"], order["seconds"])


def _serve() -> None:
    """Forks for every order; ends when nobody can order any more."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # whoever is forked need not look at it again
    houses = _Houses()
    for line in sys.stdin:
        order = json.loads(line)
        _write(sys.stdout, houses.wait(order) if "wait" in order else houses.start(order))


def _serve_house(environment: dict[str, str]) -> None:
    """Sets up Django in this environment and forks for every order, until there are no more."""
    os.closerange(3, 1024)  # the other ends of these two, and those of other houses
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        _set_up(environment)
        _write(answers, True)
        for line in orders:
            order = json.loads(line)
            is_wait = "wait" in order
            _write(answers, _wait(order["wait"], order["seconds"]) if is_wait else _fork_for(order))
    except BaseException:  # the command itself will say what is wrong with its environment
        os._exit(1)
    os._exit(0)


def _set_up(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update({"DJANGO_SETTINGS_MODULE": "poststelle.settings", **environment})
    import django
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    from poststelle.celery import app

    app.loader.import_default_modules()
    importlib.import_module("poststelle.urls")
    importlib.import_module("poststelle.embedded")
    MigrationLoader(None)
    connections.close_all()
    gc.freeze()


def _write(stream: TextIO, answer: object) -> None:
    print(json.dumps(answer), file=stream, flush=True)


def _fork_for(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become(order)
    return pid


def _wait(pid: int, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.005)


def _become(order: dict[str, Any]) -> None:
    """The forked child turns into the ordered command and ends with its exit code."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, source in (
        (0, nothing),
        (1, os.open(order["out"], flags, 0o600)),
        (2, os.open(order["err"], flags, 0o600)),
    ):
        os.dup2(source, number)
    os.closerange(3, 1024)  # as a new process: nothing else is open
    os.environ.clear()
    os.environ.update(order["environment"])
    code = 1
    try:
        _let_crash(order["environment"].get(_CRASH_AT, ""))
        _run(order["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does at its end
    sys.stdout.flush()
    os._exit(code)


def _let_crash(point: str) -> None:
    """The settings were read before this command was known."""
    from django.conf import settings

    if settings.configured:
        settings.CRASH_AT = point


def _run(arguments: list[str]) -> None:
    match arguments:
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [file, *rest]:
            sys.argv = [file, *rest]
            runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    _serve()
