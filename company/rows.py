# ruff: noqa: S608 - statements are put together from the names of models' columns
"""Many rows in few statements: what bulk_create and bulk_update do, without their cost for every value.

PostgreSQL gets the rows as one JSON value: the statement is short and always the same, while VALUES
lists are taken apart by psycopg placeholder by placeholder, at twice the cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
from django.db import connection, models
from django.db.backends.utils import CursorWrapper
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
    chunks = _bounded(_adapted(rows), fields)
    return sum(_insert(model, fields, chunk, ending)[1] for chunk in chunks)


def update_rows(rows: Sequence[models.Model], *, update: Collection[str]) -> None:
    """Sets these columns of rows that exist."""
    if rows:
        model = type(rows[0])
        fields = [_named(model, name) for name in (*update, "pk")]
        _update(model, fields, len(update), _values(rows, fields))


def update_values(
    model: type[models.Model],
    changed: Sequence[str],
    rows: Sequence[tuple[object, ...]],
    *,
    where: Sequence[str] = (),
    also: str = "",
    values: Sequence[object] = (),
) -> set[int]:
    """Sets the fields `changed` of rows that exist; each row: its new values, its key, those of `where`.

    Only rows whose fields `where` have the given values change; `also`: SQL that they must fulfil
    besides, with one placeholder for each of `values`. Returns the keys of what changed.
    """
    fields = [_named(model, name) for name in (*changed, "pk", *where)]
    return _update(model, fields, len(changed), _adapted(rows), also, _adapted([values])[0])


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
    if connection.vendor == "postgresql":
        sql, told = f"{start} SELECT * FROM {_recordset(fields)}", [_json(values)]
    else:
        sql, told = f"{start} VALUES {_places(values)}", _flat(values)
    with _cursor() as cursor:
        cursor.execute(f"{sql} {ending}", told)
        return cursor.fetchall() if "RETURNING" in ending else [], cursor.rowcount


def _update(
    model: type[models.Model],
    fields: _Fields,
    changed: int,
    rows: Sequence[list[Any]],
    also: str = "",
    values: Sequence[Any] = (),
) -> set[int]:
    """The first `changed` fields are set; the others, the key first, tell which row it is."""
    quote = connection.ops.quote_name
    table, key = quote(model._meta.db_table), _quoted(model, "pk")
    columns = [quote(str(field.column)) for field in fields]
    assigned = ", ".join(f"{columns[n]} = new.v{n}" for n in range(changed))
    matched = [f"{table}.{columns[n]} = new.v{n}" for n in range(changed, len(fields))]
    where = " AND ".join([*matched, also] if also else matched)
    found: set[int] = set()
    told: list[Any]
    with _cursor() as cursor:
        for chunk in _bounded(rows, fields):
            if connection.vendor == "postgresql":
                start, source, told = "", _recordset(fields), [_json(chunk)]
            else:
                names = ", ".join(f"v{n}" for n in range(len(fields)))
                start, source = f"WITH new ({names}) AS (VALUES {_places(chunk)}) ", "new"
                told = _flat(chunk)
            sql = (
                f"{start}UPDATE {table} SET {assigned} FROM {source} WHERE {where} RETURNING {key}"
            )
            cursor.execute(sql, [*told, *values])
            found.update(pk for (pk,) in cursor.fetchall())
    return found


def _cursor() -> CursorWrapper:
    """On PostgreSQL one that sends the values beside the statement: quoted into it they are read twice."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    return CursorWrapper(psycopg.Cursor(connection.connection), connection)


def _places(rows: Sequence[list[Any]]) -> str:
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    return ", ".join([one] * len(rows))


def _flat(rows: Sequence[list[Any]]) -> list[Any]:
    return [value for row in rows for value in row]


def _recordset(fields: _Fields) -> str:
    """The rows as PostgreSQL reads them out of the JSON: columns v0, v1 … of the fields' types."""
    types = ", ".join(f"v{n} {field.db_type(connection)}" for n, field in enumerate(fields))
    return f"json_to_recordset(%s::json) AS new({types})"


def _json(rows: Sequence[list[Any]]) -> str:
    names = [f"v{n}" for n in range(len(rows[0]))]
    named = [dict(zip(names, row, strict=True)) for row in rows]
    return json.dumps(named, ensure_ascii=False, default=_json_value)


def _json_value(value: object) -> str:
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


def _adapted(rows: Iterable[Iterable[object]]) -> list[list[Any]]:
    """Plain values go as they are, only moments are written the database's way."""
    adapt = connection.ops.adapt_datetimefield_value
    return [[adapt(v) if isinstance(v, datetime) else v for v in row] for row in rows]


def _values(rows: Sequence[models.Model], fields: _Fields) -> list[list[Any]]:
    readers = [_reader(field) for field in fields]
    return [[read(row) for read in readers] for row in rows]


def _reader(field: Field[Any, Any]) -> _Read:
    """How a row's value for the field is read and made ready for the database."""
    name = field.attname
    adapt = connection.ops.adapt_datetimefield_value
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return lambda row: adapt(field.pre_save(row, add=True))
    if isinstance(field, models.CharField | models.TextField):
        return lambda row: _plain(getattr(row, name), str)
    if isinstance(field, models.IntegerField):
        return lambda row: _plain(getattr(row, name), int)
    if isinstance(field, models.ForeignKey):
        return lambda row: _key_of_related(row, field)
    if isinstance(field, models.BooleanField):
        return lambda row: getattr(row, name)
    if isinstance(field, models.DateTimeField):
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
