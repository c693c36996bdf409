# ruff: noqa: S608 - statements are put together from constants of this module
"""The full-text index over StoredMessage.search_text: FTS5 on SQLite, a GIN index on PostgreSQL.

Both take the words exactly as search_text has them, separated by blanks and nothing else, so both find
the same. On SQLite triggers keep the index: whoever writes or deletes a message does so with its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL

TABLE = "mailstore_search"
_MESSAGES = "mailstore_storedmessage"
_WORDS = f"{TABLE}_words(search_text)"
# Not to_tsvector: its parser would cut words of some scripts elsewhere than we do. A function with a
# cost of its own: without it the planner rather reads through all texts than asks the index.
_CREATE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {TABLE}_words(words text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS
$$BEGIN RETURN array_to_tsvector(array_remove(string_to_array(words, ' '), '')); END$$
"""
# The tokenizer "ascii" leaves every other letter as it is; positions are not needed for words alone.
_CREATE_SQLITE = f"""
CREATE VIRTUAL TABLE {TABLE} USING fts5(
    search_text, content='{_MESSAGES}', content_rowid='id', tokenize='ascii', detail='none')
"""
_ADD = f"INSERT INTO {TABLE}(rowid, search_text) VALUES (new.id, new.search_text);"
# Words that are not in the index cannot be taken out of it: while it is being filled, rows are missing.
_TAKE_OUT = f"""
    INSERT INTO {TABLE}({TABLE}, rowid, search_text) SELECT 'delete', old.id, old.search_text
    WHERE EXISTS (SELECT 1 FROM {TABLE}_docsize WHERE id = old.id);
"""
_TRIGGERS = {
    "added": f"INSERT ON {_MESSAGES} BEGIN {_ADD} END",
    "deleted": f"DELETE ON {_MESSAGES} BEGIN {_TAKE_OUT} END",
    "changed": f"UPDATE OF search_text ON {_MESSAGES} BEGIN {_TAKE_OUT} {_ADD} END",
}
_MISSING = f"NOT EXISTS (SELECT 1 FROM {TABLE}_docsize WHERE {TABLE}_docsize.id = {_MESSAGES}.id)"
_CREATE_POSTGRES = f"CREATE INDEX IF NOT EXISTS {TABLE} ON {_MESSAGES} USING gin ({_WORDS})"


def create_index(connection: BaseDatabaseWrapper, *, only_existing: bool = False) -> None:
    """Makes the index where it is missing, and its triggers, which Django loses with an altered table.

    With `only_existing` nothing happens in a database without the table of messages.
    """
    if only_existing and _MESSAGES not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_CREATE_FUNCTION)
            cursor.execute(_CREATE_POSTGRES)
            return
        if TABLE not in connection.introspection.table_names(cursor):
            cursor.execute(_CREATE_SQLITE)
            cursor.execute(f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')")
        for name, after in _TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {TABLE}_{name} AFTER {after}")


def drop_index(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {TABLE}")
            cursor.execute(f"DROP FUNCTION IF EXISTS {TABLE}_words")
            return
        for name in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_{name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def find_ids(connection: BaseDatabaseWrapper, words: Sequence[str]) -> RawSQL:
    """A subquery: the keys of the messages with words that begin like each of these, letters and digits."""
    if connection.vendor == "postgresql":
        query = " & ".join(f"'{word}':*" for word in words)
        sql = f"SELECT id FROM {_MESSAGES} WHERE {_WORDS} @@ %s::tsquery"
    else:
        query = " AND ".join(f'"{word}"*' for word in words)
        sql = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s"
    return RawSQL(sql, [query])  # noqa: S611 - the query is a parameter


def count_missing(connection: BaseDatabaseWrapper) -> int:
    """SQLite only: messages that are not in the index."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {_MESSAGES} WHERE {_MISSING}")
        return int(cursor.fetchone()[0])


def empty_index(connection: BaseDatabaseWrapper) -> None:
    """SQLite only: forgets all words; fill_group brings them back."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE}({TABLE}) VALUES ('delete-all')")


def fill_group(connection: BaseDatabaseWrapper, *, below: int, size: int) -> tuple[int, int]:
    """SQLite only: adds up to `size` missing messages with lower keys, the newest first.

    Returns their number and the lowest key. Belongs into a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {_MESSAGES} WHERE id < %s AND {_MISSING} ORDER BY id DESC LIMIT %s",
            [below, size],
        )
        keys = [int(row[0]) for row in cursor.fetchall()]
        cursor.executemany(
            f"INSERT INTO {TABLE}(rowid, search_text) "
            f"SELECT id, search_text FROM {_MESSAGES} WHERE id = %s",
            [(key,) for key in keys],
        )
    return len(keys), keys[-1] if keys else below


def remake_index(connection: BaseDatabaseWrapper) -> None:
    """PostgreSQL only: makes the index anew beside the one in use. Not inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {TABLE}_ccnew"
        )  # of an attempt that broke off
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {TABLE}_ccold")
        cursor.execute(f"REINDEX INDEX CONCURRENTLY {TABLE}")
        cursor.execute(f"ANALYZE {_MESSAGES}")
