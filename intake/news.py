"""Passing on that an account has news: by a thread of its own, as the broker may keep one waiting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class News:
    """Accounts with news, each told once however often it is announced before its turn."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._waiting: dict[int, None] = {}
        self._changed = threading.Condition()
        self._is_over = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="idle-news", daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def announce(self, account_id: int) -> None:
        """Never waits."""
        with self._changed:
            self._waiting[account_id] = None
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over)
                if self._is_over:
                    return
                account_id = next(iter(self._waiting))
                del self._waiting[account_id]
            try:
                self._tell(account_id)
            except Exception:  # the boundary of one account; its poll comes with the next interval
                log.exception("watcher: account %s has news that nobody took", account_id)
