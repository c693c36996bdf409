"""A store that fails on one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mailstore.store import store_group


@contextmanager
def failing_on(monkeypatch: pytest.MonkeyPatch, needle: bytes) -> Iterator[None]:
    """Storing any group with such a message fails, as a defect of ours would."""

    def broken(messages: Any) -> Any:
        if any(needle in message.raw for message in messages):
            raise LookupError("kaputt")
        return store_group(messages)

    with monkeypatch.context() as patch:
        patch.setattr("intake.receive.store_group", broken)
        yield
