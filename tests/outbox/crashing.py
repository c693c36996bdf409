"""An installation whose sending process dies at a chosen point; for the tests and bench/crash_sending."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.servers import warm
from tests.servers.empty_database import SQLITE, migrated_sqlite

ROOT = Path(__file__).parents[2]

QUEUE = """
import django, json, sys; django.setup()
from django.db import transaction
from tests.factories import make_account
from tests.outbox.outgoing import make_draft, queue
given = json.loads(sys.argv[1])
account = make_account(archive_enabled=True, **given["account"])
for number in range(given["count"]):
    with transaction.atomic():
        to = given["to"] or f"kunde{number}@huber.example"
        subject = f"{given['title']} {number}"
        queue(account, draft=make_draft(to, subject=subject), once_key=subject)
"""
LATER = """
import django; django.setup()
from django.utils import timezone
from outbox.models import OutgoingMessage
due = OutgoingMessage.objects.filter(sent_copy_next_at__isnull=False)
due.update(sent_copy_next_at=timezone.now())
"""
REPORT = """
import django, json; django.setup()
from archive.models import ArchiveEntry
from outbox.models import OutgoingMessage
states = dict(OutgoingMessage.objects.values_list("message__subject", "state"))
copies = dict(OutgoingMessage.objects.values_list("message__subject", "sent_copy"))
print(json.dumps([states, copies, ArchiveEntry.objects.count()]))
"""


def run(
    data: Path, *command: str, crash_at: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "nur für diesen Test " * 3,
        "POSTSTELLE_LOG_LEVEL": "ERROR",
        "POSTSTELLE_CRASH_AT": crash_at,
        "POSTSTELLE_SERVER_TIMEOUT": "1",
    }
    return warm.run(command, environment=environment, seconds=timeout)


@dataclass(frozen=True, slots=True)
class Fate:
    """What the installation believes, by subject."""

    states: dict[str, str]
    copies: dict[str, str]
    archived: int

    def count(self, title: str) -> Counter[str]:
        """The states of the messages with this title."""
        return Counter(
            state for subject, state in self.states.items() if subject.startswith(f"{title} ")
        )


def set_up(data: Path) -> None:
    """A fresh installation in this directory."""
    data.mkdir(exist_ok=True)
    (data / SQLITE).write_bytes(migrated_sqlite())


def fill(data: Path, *, title: str, count: int, to: str = "", **account: object) -> None:
    """An account and its queue: to a customer each, or all to one."""
    given = {"title": title, "count": count, "to": to, "account": account}
    _demand(run(data, "-c", QUEUE, json.dumps(given), timeout=600))


def let_copies_be_due(data: Path) -> None:
    _demand(run(data, "-c", LATER))


def read_fate(data: Path) -> Fate:
    return Fate(*json.loads(_demand(run(data, "-c", REPORT))))


def accepted_by(raws: Iterable[bytes]) -> Counter[str]:
    """How often the server took each subject."""
    return Counter(
        raw.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode() for raw in raws
    )


def find_untruths(fate: Fate, accepted: Counter[str]) -> list[str]:
    """Messages of which more or less happened than the installation says: none, if all is well."""
    allowed = {"sent": (1,), "uncertain": (0, 1)}
    return [
        f"{subject}: {state}, accepted {accepted[subject]} times"
        for subject, state in fate.states.items()
        if accepted[subject] not in allowed.get(state, (0,))
    ]


def _demand(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout
