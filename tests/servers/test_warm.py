"""Forked processes are as good as started ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.servers import warm

SETTINGS = """
import json, os
from django.conf import settings
print(json.dumps([
    str(settings.DATA_DIR), settings.CRASH_AT, dict(os.environ), sorted(os.listdir("/proc/self/fd")),
]))
"""
HOUSE = """
from tests.servers import warm
code = "import os; print(os.getppid())"
print(warm.run(["-c", code], environment={"DATA_DIR": "/tmp", "SECRET_KEY": "x" * 50}).stdout)
"""


def test_each_has_its_own_environment_and_settings_and_nothing_open(tmp_path: Path) -> None:
    for name, point in (("one", ""), ("two", ""), ("one", "outbox.sent"), ("two", "")):
        environment = {
            "DATA_DIR": str(tmp_path / name),
            "DJANGO_SETTINGS_MODULE": "poststelle.settings",
            "POSTSTELLE_CRASH_AT": point,
        }
        done = warm.run(["-c", SETTINGS], environment=environment)
        data, crash_at, seen, files = json.loads(done.stdout)
        assert (data, crash_at) == (environment["DATA_DIR"], point), done.stderr
        assert {key: seen[key] for key in environment} == environment
        assert set(seen) <= {*environment, "LC_CTYPE"}
        assert files[:3] == ["0", "1", "2"]
        assert len(files) == 4, "and the listing itself"


def test_it_can_be_killed_and_says_so(tmp_path: Path) -> None:
    process = warm.start(
        ["-c", "import time; time.sleep(600)"],
        environment={"DATA_DIR": str(tmp_path)},
        log=tmp_path / "log",
    )
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_exit_codes_and_tracebacks_are_those_of_python(tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path)}
    assert warm.run(["-c", "raise SystemExit(3)"], environment=environment).returncode == 3
    failed = warm.run(["-c", "1 / 0"], environment=environment)
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr


def test_no_process_outlives_the_one_that_ordered_it() -> None:
    command = [sys.executable, "-c", HOUSE]
    # Its errors go where ours go: a process left behind would keep a pipe open, and us waiting.
    said = subprocess.run(command, cwd=warm.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    house = Path(f"/proc/{int(said.stdout)}")
    deadline = time.monotonic() + 30
    while house.exists() and b"tests.servers.warm" in (house / "cmdline").read_bytes():
        assert time.monotonic() < deadline, f"{house} still runs, as a child of {os.getpid()}"
        time.sleep(0.05)
