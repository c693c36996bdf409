"""Commits that need not wait for the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def lazy_commit() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk.

    It survives the death of the process. After a power cut it may be missing, together with all
    that came later, unless a durable commit followed: use it where that leaves an honest state.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with _sqlite_without_sync(), transaction.atomic():
            yield
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO OFF")
            yield


@contextmanager
def _sqlite_without_sync() -> Iterator[None]:
    connection.ensure_connection()
    database: sqlite3.Connection = connection.connection
    database.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        database.execute("PRAGMA synchronous=FULL")
