"""Statements that run for every single message, built once from the models.

The ORM builds a statement anew each time, which costs several times what the database needs for it. Use
this only where a measurement says so; what is written is the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with one placeholder for each of its placeholders."""

    sql: str

    def run(self, cursor: CursorWrapper, *values: object) -> int:
        """Executes it with the values in the order of its placeholders. Returns how many rows it changed."""
        cursor.execute(self.sql, list(map(_prepared, values)))
        return int(cursor.rowcount)


def _prepared(value: object) -> Any:
    """As the database stores it: plain values go as they are, only moments are written its way."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def insert_into(model: type[models.Model], *names: str, unless_there: bool = False) -> Statement:
    """INSERT of these fields; `unless_there`: a row that a unique constraint forbids is left out."""
    fields = _fields(model, names)
    columns = ", ".join(_column(field) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    end = " ON CONFLICT DO NOTHING" if unless_there else ""
    return Statement(f"INSERT INTO {_table(model)} ({columns}) VALUES ({places}){end}")  # noqa: S608


def update_of(
    model: type[models.Model], changed: tuple[str, ...], where: tuple[str, ...], *, also: str = ""
) -> Statement:
    """UPDATE of the fields `changed` in the rows that match all of `where` and the SQL in `also`.

    `where` names fields that are equal, or greater with `__gt`.
    """
    setting = _fields(model, changed)
    matching = _fields(model, tuple(name.removesuffix("__gt") for name in where))
    assigned = ", ".join(f"{_column(field)} = %s" for field in setting)
    signs = [">" if name.endswith("__gt") else "=" for name in where]
    matched = [f"{_column(field)} {sign} %s" for field, sign in zip(matching, signs, strict=True)]
    condition = " AND ".join([*matched, also] if also else matched)
    return Statement(
        f"UPDATE {_table(model)} SET {assigned} WHERE {condition}"  # noqa: S608
    )


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


def _fields(
    model: type[models.Model], names: tuple[str, ...]
) -> tuple[models.Field[Any, Any], ...]:
    found = []
    for name in names:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        assert isinstance(field, models.Field)
        found.append(field)
    return tuple(found)


def _table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def _column(field: models.Field[Any, Any]) -> str:
    return f'"{field.column}"'
