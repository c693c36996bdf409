"""Which of the real servers this machine has; what is missing is skipped by name, or fails in CI."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def find_dovecot() -> str | None:
    """The path of a Dovecot 2.3 (2.4 has another configuration syntax)."""
    path = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        return None
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    has_services = all(
        Path("/usr/lib/dovecot", name).exists() for name in ("lmtp", "submission-login", "imap")
    )
    return path if version.stdout.startswith("2.3.") and has_services else None


def find_postgres() -> str | None:
    """The directory with initdb and postgres: the newest installed version's."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return str(Path(on_path).parent)
    versions = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda path: int(path.parent.name) if path.parent.name.isdecimal() else 0,
    )
    return str(versions[-1]) if versions else None


def find_redis() -> str | None:
    return shutil.which("redis-server")


def find_chromium() -> str | None:
    """The one without windows first: it needs a quarter of the processor time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


def find_cups() -> str | None:
    """The print server; `lp` and `lpadmin` belong to its clients."""
    path = shutil.which("cupsd") or shutil.which("cupsd", path="/usr/sbin")
    has_clients = shutil.which("lp") and shutil.which("lpadmin", path="/usr/sbin:/usr/bin")
    return path if has_clients else None


def find_aiosmtpd() -> str | None:
    return "aiosmtpd" if importlib.util.find_spec("aiosmtpd") else None


_FINDERS: dict[str, Callable[[], str | None]] = {
    "dovecot": find_dovecot,
    "postgres": find_postgres,
    "redis": find_redis,
    "chromium": find_chromium,
    "cups": find_cups,
    "aiosmtpd": find_aiosmtpd,
}


def available(name: str) -> bool:
    return _FINDERS[name]() is not None


def require(name: str) -> str:
    """Where the server is. Without it the test is skipped, under REQUIRE_SERVICES=1 it fails."""
    found = _FINDERS[name]()
    if found is not None:
        return found
    message = f"{name} is not installed"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
