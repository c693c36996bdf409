"""Migrated, empty databases to copy: made once in a test run, as migrating takes seconds."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from django.db import connection

from tests.servers import warm

SQLITE = "poststelle.sqlite3"  # the file in DATA_DIR
ROOT = Path(__file__).parents[2]


@cache
def migrated_sqlite() -> bytes:
    """The file of an installation on SQLite."""
    with tempfile.TemporaryDirectory(prefix="poststelle-empty-") as folder:
        data = Path(
            os.environ.get("TEST_TEMPLATES", folder)
        )  # of scripts/test.py, for the whole run
        with (data / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (data / SQLITE).exists():
                _migrate({"DATA_DIR": folder})
                os.replace(Path(folder, SQLITE), data / SQLITE)
            return (data / SQLITE).read_bytes()


@cache
def migrated_postgres(url: str) -> str:
    """The name of a database on this server, to be used as a template."""
    name = f"empty_{_fingerprint()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(1)")  # until the connection ends
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).rowcount:
            server.execute(f'DROP DATABASE IF EXISTS "un{name}"')
            server.execute(f'CREATE DATABASE "un{name}"')
            with tempfile.TemporaryDirectory(prefix="poststelle-empty-") as data:
                _migrate({"DATA_DIR": data, "DATABASE_URL": address_of(url, f"un{name}")})
            server.execute(f'ALTER DATABASE "un{name}" RENAME TO "{name}"')
    return name


def fill_test_database() -> None:
    """The database Django's tests are about to use is a fresh copy of the migrated one."""
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]
    if connection.vendor == "sqlite":
        for ending in ("-wal", "-shm"):
            Path(name + ending).unlink(missing_ok=True)
        Path(name).write_bytes(migrated_sqlite())
        return
    url = os.environ["DATABASE_URL"]
    template = migrated_postgres(url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def address_of(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


def _fingerprint() -> str:
    """Of all migrations: a server may still have the template of other ones."""
    files = sorted(ROOT.glob("*/migrations/*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _migrate(environment: dict[str, str]) -> None:
    whole = {"PATH": os.environ["PATH"], **environment}
    done = warm.run(["manage.py", "migrate", "-v0"], environment=whole, seconds=900)
    assert done.returncode == 0, done.stderr
