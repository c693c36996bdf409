# ruff: noqa: S608 - statements are put together from the names of models' columns
"""Many rows in few statements: what bulk_create and bulk_update do, without their cost for every value.

PostgreSQL gets the rows as one JSON value: the statement is short and always the same, while VALUES
lists are taken apart by psycopg placeholder by placeholder, at twice the cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import Field

_ROWS_PER_STATEMENT = 500
_Read = Callable[[models.Model], Any]
_Fields = list["Field[Any, Any]"]
Row = TypeVar("Row", bound=models.Model)
T = TypeVar("T")


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model and sets their keys. Raises IntegrityError like bulk_create."""
    for chunk, fields in _chunks(rows):
        keys = _insert_rows(chunk, fields, f"RETURNING {_quoted(type(chunk[0]), 'pk')}")
        for row, (key,) in zip(chunk, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, connection.alias


def insert_missing(rows: Sequence[Row], *, unique: str = "") -> list[Row]:
    """Inserts what no unique constraint has yet. With `unique`, a column without doubles among the
    rows, it returns those that were inserted, with their keys; without it nothing.
    """
    inserted: list[Row] = []
    for chunk, fields in _chunks(rows):
        returning = ""
        if unique:
            model = type(chunk[0])
            returning = f"RETURNING {_quoted(model, unique)}, {_quoted(model, 'pk')}"
        keys = dict(_insert_rows(chunk, fields, f"ON CONFLICT DO NOTHING {returning}"))
        for row in chunk:
            if (key := keys.get(getattr(row, unique) if unique else None)) is not None:
                row.pk = key
                row._state.adding, row._state.db = False, connection.alias
                inserted.append(row)
    return inserted


def insert_values(
    model: type[models.Model],
    names: Sequence[str],
    rows: Sequence[tuple[object, ...]],
    *,
    unique: Sequence[str] = (),
    update: str = "",
) -> int:
    """Inserts rows given as the values of these fields: instances would cost more than the database.

    Nothing has a default; related rows are named by their keys. What a unique constraint has already stays
    as it is; with `update` that field is set where the `unique` fields are there. Returns how many rows
    were inserted or set.
    """
    fields = [_named(model, name) for name in names]
    ending = "ON CONFLICT DO NOTHING"
    if update:
        target = ", ".join(_quoted(model, name) for name in unique)
        column = _quoted(model, update)
        ending = f"ON CONFLICT ({target}) DO UPDATE SET {column} = EXCLUDED.{column}"
    adapt = connection.ops.adapt_datetimefield_value
    count = 0
    for chunk in _bounded(rows, fields):
        values = [
            [adapt(value) if isinstance(value, datetime) else value for value in row]
            for row in chunk
        ]
        count += _insert(model, fields, values, ending)[1]
    return count


def update_rows(rows: Sequence[models.Model], *, update: Collection[str]) -> None:
    """Sets these columns of rows that exist; one statement on PostgreSQL."""
    if not rows:
        return
    model = type(rows[0])
    fields = [_named(model, name) for name in (*update, "pk")]
    table, key = connection.ops.quote_name(model._meta.db_table), _quoted(model, "pk")
    columns = [_quoted(model, name) for name in update]
    values = _values(rows, fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            setting = ", ".join(f"{column} = v.{column}" for column in columns)
            cursor.execute(
                f"UPDATE {table} SET {setting} FROM {_recordset(fields)} WHERE {table}.{key} = v.{key}",
                [_json(fields, values)],
            )
        else:
            setting = ", ".join(f"{column} = %s" for column in columns)
            cursor.executemany(f"UPDATE {table} SET {setting} WHERE {key} = %s", values)


def _chunks(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], _Fields]]:
    if rows:
        fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
        for chunk in _bounded(rows, fields):
            yield chunk, fields


def _bounded(rows: Sequence[T], fields: _Fields) -> Iterator[Sequence[T]]:
    size = _ROWS_PER_STATEMENT
    if connection.features.max_query_params:
        size = min(size, connection.features.max_query_params // len(fields))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _insert_rows(rows: Sequence[models.Model], fields: _Fields, ending: str) -> list[Any]:
    return _insert(type(rows[0]), fields, _values(rows, fields), ending)[0]


def _insert(
    model: type[models.Model], fields: _Fields, values: Sequence[list[Any]], ending: str
) -> tuple[list[Any], int]:
    """What RETURNING gives, and the number of rows written."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    start = f"INSERT INTO {quote(model._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = f"{start} SELECT {columns} FROM {_recordset(fields)} {ending}"
            cursor.execute(sql, [_json(fields, values)])
        else:
            one = f"({', '.join(['%s'] * len(fields))})"
            sql = f"{start} VALUES {', '.join([one] * len(values))} {ending}"
            cursor.execute(sql, [value for row in values for value in row])
        return cursor.fetchall() if "RETURNING" in ending else [], cursor.rowcount


def _recordset(fields: _Fields) -> str:
    quote = connection.ops.quote_name
    types = (f"{quote(str(field.column))} {field.db_type(connection)}" for field in fields)
    return f"json_to_recordset(%s) AS v({', '.join(types)})"


def _json(fields: _Fields, values: Sequence[list[Any]]) -> str:
    columns = [str(field.column) for field in fields]
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    return json.dumps(rows, ensure_ascii=False, default=_json_value)


def _json_value(value: object) -> str:
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written by insert_rows")


def _values(rows: Sequence[models.Model], fields: _Fields) -> list[list[Any]]:
    readers = [_reader(field) for field in fields]
    return [[read(row) for read in readers] for row in rows]


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


def _named(model: type[models.Model], name: str) -> Field[Any, Any]:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]


def _quoted(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(str(_named(model, name).column))
