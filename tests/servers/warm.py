"""Python processes that start in a fraction of the time: forked from one that has the libraries loaded.

A new interpreter needs most of its first two seconds for importing libraries. Here one process imports
them once and forks for each command; the project itself is imported by the child, in its own
environment, as by `python …`.
"""

from __future__ import annotations

import contextlib
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
from typing import Any

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


def _serve() -> None:
    """Forks for every order; ends when nobody can order any more."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = _wait(order["wait"], order["seconds"])
        else:
            answer = os.fork()
            if answer == 0:
                _become(order)
        print(json.dumps(answer), flush=True)


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
    os.environ.clear()
    os.environ.update(order["environment"])
    code = 1
    try:
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
