"""One transaction for what several connections have to write at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from company.statements import lazy_commit


@dataclass(slots=True, eq=False)
class _Entry:
    work: Callable[[CursorWrapper], None]
    is_durable: bool
    is_done: bool = False
    error: Exception | None = None


class GroupCommit:
    """Commits are the dearest part of a delivery: whoever waits for one takes the others' work along.

    A single connection has a transaction for each call; nobody ever waits for company.
    """

    def __init__(self) -> None:
        self._queue = threading.Lock()  # guards `_waiting`; never held for long
        self._pen = threading.Lock()  # whoever has it writes for all that wait
        self._waiting: list[_Entry] = []

    def write(self, work: Callable[[CursorWrapper], None], *, durable: bool) -> None:
        """Runs the work in a transaction and returns after its commit. Raises what the work raises.

        The work must be repeatable: if that of others fails, it is done again alone.
        `durable`: the commit is on the disk then.
        """
        entry = _Entry(work, durable)
        with self._queue:
            self._waiting.append(entry)
        with self._pen:
            if not entry.is_done:
                with self._queue:
                    group, self._waiting = self._waiting, []
                _commit(group)
        if entry.error is not None:
            raise entry.error
        if not entry.is_done:
            raise RuntimeError("the thread that took this along was ended")


def _commit(group: list[_Entry]) -> None:
    try:
        with _transaction(group), connection.cursor() as cursor:
            for entry in group:
                entry.work(cursor)
    except Exception as error:  # noqa: BLE001  # raised where it belongs
        if len(group) == 1:
            group[0].error = error
        else:  # one message's failure is its own
            for entry in group:
                _commit([entry])
    for entry in group:
        entry.is_done = True


def _transaction(group: list[_Entry]) -> AbstractContextManager[None]:
    is_durable = any(entry.is_durable for entry in group)
    return transaction.atomic() if is_durable else lazy_commit()
