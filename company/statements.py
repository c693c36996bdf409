"""Writing rows that differ in a single statement, and commits that need not wait for the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

_ROWS_PER_STATEMENT = 200


class UpdateEach:
    """UPDATE of the fields `changed`, in every row to its own values, by primary key.

    What bulk_update does, for a tenth of its cost: the ORM builds a CASE for every field and row.
    Only rows whose fields `where` have the given values change; `also`: SQL that they must fulfil
    besides, with one placeholder for each of `run`'s `values`.
    """

    def __init__(
        self,
        model: type[models.Model],
        *changed: str,
        where: tuple[str, ...] = (),
        also: str = "TRUE",
    ) -> None:
        self._fields = [_field(model, name) for name in (*changed, "pk", *where)]
        self._changed = len(changed)
        self._table = connection.ops.quote_name(model._meta.db_table)
        self._also = also

    def run(
        self, cursor: CursorWrapper, rows: Sequence[Sequence[object]], *values: object
    ) -> set[int]:
        """Each row: its new values, its key, the values of `where`. Returns the keys of what changed."""
        found: set[int] = set()
        for start in range(0, len(rows), _ROWS_PER_STATEMENT):
            part = rows[start : start + _ROWS_PER_STATEMENT]
            told = [_prepared(value) for row in part for value in row]
            cursor.execute(self._sql(len(part)), [*told, *map(_prepared, values)])
            found.update(key for (key,) in cursor.fetchall())
        return found

    def _sql(self, count: int) -> str:
        columns = [connection.ops.quote_name(str(field.column)) for field in self._fields]
        names = [f"v{number}" for number in range(len(columns))]
        row = f"({', '.join(map(_place, self._fields))})"
        pairs = list(zip(columns, names, strict=True))
        assigned = [f"{column} = new.{name}" for column, name in pairs[: self._changed]]
        matched = [
            f"{self._table}.{column} = new.{name}" for column, name in pairs[self._changed :]
        ]
        return (
            f"WITH new ({', '.join(names)}) AS (VALUES {', '.join([row] * count)}) "  # noqa: S608
            f"UPDATE {self._table} SET {', '.join(assigned)} FROM new "
            f"WHERE {' AND '.join([*matched, self._also])} RETURNING {columns[self._changed]}"
        )


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _place(field: models.Field[Any, Any]) -> str:
    """PostgreSQL has to be told what the values are."""
    if connection.vendor != "postgresql":
        return "%s"
    # A cast to varchar(n) would cut silently; text that is too long is an error, as always.
    return f"%s::{'text' if isinstance(field, models.CharField) else field.db_type(connection)}"


def _prepared(value: object) -> Any:
    """As the database stores it: plain values go as they are, only moments are written its way."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


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
