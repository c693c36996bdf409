"""Migrated, empty databases to copy: made once in a test process, as migrating takes seconds."""

from __future__ import annotations

import os
import tempfile
import uuid
from functools import cache
from pathlib import Path

import psycopg

from tests.servers import warm

SQLITE = "poststelle.sqlite3"  # the file in DATA_DIR


@cache
def migrated_sqlite() -> bytes:
    """The file of an installation on SQLite."""
    with tempfile.TemporaryDirectory(prefix="poststelle-empty-") as folder:
        _migrate({"PATH": os.environ["PATH"], "DATA_DIR": folder})
        return Path(folder, SQLITE).read_bytes()


@cache
def migrated_postgres(url: str) -> str:
    """The name of a database on this server, to be used as a template."""
    name = f"template_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    with tempfile.TemporaryDirectory(prefix="poststelle-empty-") as folder:
        address = address_of(url, name)
        _migrate({"PATH": os.environ["PATH"], "DATA_DIR": folder, "DATABASE_URL": address})
    return name


def address_of(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


def _migrate(environment: dict[str, str]) -> None:
    done = warm.run(["manage.py", "migrate", "-v0"], environment=environment, seconds=900)
    assert done.returncode == 0, done.stderr
