"""Reading what does not change within a request only once: settings, the writer, who may send."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

T = TypeVar("T")
_memo: ContextVar[dict[Hashable, object] | None] = ContextVar("read_once", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Within it `once` asks the database a single time per key. Also a decorator of views.

    For work that reads these things often and changes none of them.
    """
    token = _memo.set({})
    try:
        yield
    finally:
        _memo.reset(token)


def once(key: Hashable, read: Callable[[], T]) -> T:
    """What `read` gives; within `reading_once` that of the first call with this key."""
    memo = _memo.get()
    if memo is None:
        return read()
    if key not in memo:
        memo[key] = read()
    return cast("T", memo[key])
