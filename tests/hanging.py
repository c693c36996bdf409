"""Something that does not answer, and whether it was waited for: told by what happened, not by a clock."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

_GIVES_UP = 60  # seconds after which a test without the limit it is about ends, and fails


class Hanging:
    """Whoever calls `hang` is held until the end of the block."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self.was_called = False
        self.was_waited_for = False

    def hang(self, *_args: object, **_values: object) -> list[object]:
        """Stands in for any call; in the end it finds nothing."""
        self.was_called = True
        if not self._over.wait(_GIVES_UP):
            self.was_waited_for = True
        return []

    def check_left_alone(self) -> None:
        """It was asked, and whoever asked went on while it still hung."""
        assert self.was_called
        assert not self.was_waited_for
        assert not self._over.is_set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
