"""One poll of one account while it runs: its lease, its time, its counts."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Exists

from company.models import CompanySettings
from mailaccounts.links import renew_lease
from mailaccounts.models import AccountLink, MailAccount
from mailaccounts.own_addresses import own_addresses
from mailcore.read_beside import ReaderProcess
from tickets.numbers import NumberBlock

log = logging.getLogger(__name__)
_LONGEST_SECONDS = 600  # then other accounts have their turn


class PollStopped(Exception):
    """The poll ends here in good order; the next one goes on. The text is German."""


@dataclass(slots=True)
class Counts:
    noted: int = 0
    done: int = 0
    tickets: int = 0
    excluded: int = 0
    too_large: int = 0
    failed: int = 0
    quarantined: int = 0
    deleted: int = 0


@dataclass(slots=True)
class PollRun:
    account: MailAccount
    owner: str  # of the lease
    numbers: NumberBlock = field(default_factory=NumberBlock)
    counts: Counts = field(default_factory=Counts)
    started: float = field(default_factory=time.monotonic)
    thread: int = field(default_factory=threading.get_ident)
    reader: ReaderProcess = field(default_factory=ReaderProcess)  # runs only where it is worth it
    _own: frozenset[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    @property
    def own(self) -> frozenset[str]:
        """Our addresses; nobody asks as long as nothing has come."""
        if self._own is None:
            self._own = own_addresses()
        return self._own

    def go_on(self) -> None:
        """Between two steps: prolongs the lease. Raises PollStopped if the poll has to end."""
        if not renew_lease(self.account.pk, AccountLink.Direction.INCOMING, self.owner):
            raise PollStopped("Ein anderer Prozess hat das Abholen übernommen.")
        if not self._is_still_as_set():
            raise PollStopped("Die Einstellungen wurden geändert: Danach richtet sich das Abholen.")
        if is_disk_low():
            raise PollStopped("Der Speicherplatz ist knapp: Das Abholen wartet.")
        if time.monotonic() - self.started > _LONGEST_SECONDS:
            raise PollStopped("Es sind noch E-Mails da: Das Abholen geht gleich weiter.")

    def _is_still_as_set(self) -> bool:
        """Whoever pauses, deletes or changes the account means the poll that runs, too."""
        brake = CompanySettings.objects.filter(fetching_paused=True)
        accounts = MailAccount.objects.kept().filter(pk=self.account.pk, paused_at=None)
        return accounts.filter(~Exists(brake), updated_at=self.account.updated_at).exists()

    def heartbeat(self) -> None:
        """While a long answer comes in, from whichever thread reads it: prolongs the lease."""
        try:
            renew_lease(self.account.pk, AccountLink.Direction.INCOMING, self.owner)
        except DatabaseError as error:
            log.warning("account %s: lease not prolonged: %s", self.account.pk, error)
        finally:
            if threading.get_ident() != self.thread:
                connections.close_all()


def is_disk_low() -> bool:
    """Whether too little is free to take over mail safely."""
    directory = next(p for p in (settings.BLOB_DIR, *settings.BLOB_DIR.parents) if p.exists())
    return shutil.disk_usage(directory).free < settings.MIN_FREE_DISK_BYTES
