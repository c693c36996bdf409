# ruff: noqa: S608 - statements are put together from the names of models' columns
"""Many rows in few statements: what bulk_create and bulk_update do, without their cost for every value.

PostgreSQL gets the rows as one JSON value: the statement is short and always the same, while VALUES
lists are taken apart by psycopg placeholder by placeholder, at twice the cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import Field

_ROWS_PER_STATEMENT = 500
_Read = Callable[[models.Model], Any]
_Fields = list["Field[Any, Any]"]
Row = TypeVar("Row", bound=models.Model)


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model and sets their keys. Raises IntegrityError like bulk_create."""
    for chunk, fields in _chunks(rows, with_key=False):
        keys = _run(chunk, fields, f"RETURNING {_quoted(chunk[0], 'pk')}")
        for row, (key,) in zip(chunk, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, connection.alias


def insert_missing(rows: Sequence[Row], *, unique: str = "") -> list[Row]:
    """Inserts what no unique constraint has yet. With `unique`, a column without doubles among the
    rows, it returns those that were inserted, with their keys; without it nothing.
    """
    inserted: list[Row] = []
    for chunk, fields in _chunks(rows, with_key=False):
        returning = ""
        if unique:
            returning = f"RETURNING {_quoted(chunk[0], unique)}, {_quoted(chunk[0], 'pk')}"
        keys = dict(_run(chunk, fields, f"ON CONFLICT DO NOTHING {returning}"))
        for row in chunk:
            if (key := keys.get(getattr(row, unique) if unique else None)) is not None:
                row.pk = key
                row._state.adding, row._state.db = False, connection.alias
                inserted.append(row)
    return inserted


def put_rows(
    rows: Sequence[models.Model], *, unique: Collection[str], update: Collection[str]
) -> None:
    """Inserts rows; where the `unique` columns are there already, the `update` columns are set."""
    for chunk, fields in _chunks(rows, with_key=False):
        target = ", ".join(_quoted(chunk[0], name) for name in unique)
        columns = [_quoted(chunk[0], name) for name in update]
        values = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
        _run(chunk, fields, f"ON CONFLICT ({target}) DO UPDATE SET {values}")


def update_rows(rows: Sequence[models.Model], *, update: Collection[str]) -> None:
    """Sets these columns of rows that exist; one statement on PostgreSQL."""
    if not rows:
        return
    fields = [_field(rows[0], name) for name in (*update, "pk")]
    table, key = connection.ops.quote_name(rows[0]._meta.db_table), _quoted(rows[0], "pk")
    columns = [_quoted(rows[0], name) for name in update]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            setting = ", ".join(f"{column} = v.{column}" for column in columns)
            sql = f"UPDATE {table} SET {setting} FROM {_recordset(fields)} WHERE {table}.{key} = v.{key}"
            cursor.execute(sql, [_json(rows, fields)])
        else:
            setting = ", ".join(f"{column} = %s" for column in columns)
            readers = [_reader(field) for field in fields]
            sql = f"UPDATE {table} SET {setting} WHERE {key} = %s"
            cursor.executemany(sql, [[read(row) for read in readers] for row in rows])


def _chunks(rows: Sequence[Row], *, with_key: bool) -> Iterator[tuple[Sequence[Row], _Fields]]:
    if not rows:
        return
    fields = [field for field in rows[0]._meta.concrete_fields if with_key or not field.primary_key]
    size = _ROWS_PER_STATEMENT
    if connection.features.max_query_params:
        size = min(size, connection.features.max_query_params // len(fields))
    for start in range(0, len(rows), size):
        yield rows[start : start + size], fields


def _run(rows: Sequence[models.Model], fields: _Fields, ending: str) -> Iterable[tuple[Any, ...]]:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    start = f"INSERT INTO {quote(rows[0]._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = f"{start} SELECT {columns} FROM {_recordset(fields)} {ending}"
            cursor.execute(sql, [_json(rows, fields)])
        else:
            one = f"({', '.join(['%s'] * len(fields))})"
            readers = [_reader(field) for field in fields]
            sql = f"{start} VALUES {', '.join([one] * len(rows))} {ending}"
            cursor.execute(sql, [read(row) for row in rows for read in readers])
        return cursor.fetchall() if "RETURNING" in ending else ()


def _recordset(fields: _Fields) -> str:
    quote = connection.ops.quote_name
    types = (f"{quote(str(field.column))} {field.db_type(connection)}" for field in fields)
    return f"json_to_recordset(%s) AS v({', '.join(types)})"


def _json(rows: Sequence[models.Model], fields: _Fields) -> str:
    readers = [(str(field.column), _reader(field)) for field in fields]
    values = [{column: read(row) for column, read in readers} for row in rows]
    return json.dumps(values, ensure_ascii=False, default=_json_value)


def _json_value(value: object) -> str:
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written by insert_rows")


def _reader(field: Field[Any, Any]) -> _Read:
    """How a row's value for the field is read and made ready for the database."""
    name = field.attname
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return lambda row: _stored(field, field.pre_save(row, add=True))
    if isinstance(field, models.CharField | models.TextField):
        return lambda row: _plain(getattr(row, name), str)
    if isinstance(field, models.IntegerField):
        return lambda row: _plain(getattr(row, name), int)
    if isinstance(field, models.ForeignKey):
        return lambda row: _key_of_related(row, field)
    if isinstance(field, models.BooleanField):
        return lambda row: getattr(row, name)
    if isinstance(field, models.DateTimeField):
        adapt = connection.ops.adapt_datetimefield_value
        return lambda row: adapt(getattr(row, name))
    if isinstance(field, models.JSONField) and connection.vendor == "postgresql":
        return lambda row: getattr(row, name)  # JSON inside the JSON of the rows
    return lambda row: _stored(field, getattr(row, name))


def _plain(value: Any, kind: type) -> Any:
    """Members of TextChoices and IntegerChoices as what they stand for."""
    return value if value is None or type(value) is kind else kind(value)


def _key_of_related(row: models.Model, field: models.ForeignKey[Any, Any]) -> Any:
    """The related row may have got its key after it was assigned."""
    key = getattr(row, field.attname)
    if key is not None or not field.is_cached(row):
        return key
    related = field.get_cached_value(row)
    if related is None:
        return None
    if related.pk is None:
        raise ValueError(f"{field.name}: the related row is not saved")
    row.__dict__[field.attname] = related.pk
    return related.pk


def _stored(field: Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(value, connection=connection)


def _field(row: models.Model, name: str) -> Field[Any, Any]:
    return row._meta.pk if name == "pk" else row._meta.get_field(name)  # type: ignore[return-value]


def _quoted(row: models.Model, name: str) -> str:
    return connection.ops.quote_name(str(_field(row, name).column))
