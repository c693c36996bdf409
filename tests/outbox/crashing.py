"""An installation whose sending process dies at a chosen point; for the tests and bench/crash_sending."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.intake.crashing import Room, empty_room

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


@contextmanager
def empty_house(data: Path, *, database_url: str | None = None) -> Iterator[Room]:
    """A fresh installation, on the database of the test run; no server is waited for longer than 1 s."""
    with empty_room(data, database_url=database_url) as room:
        more = {"POSTSTELLE_SERVER_TIMEOUT": "1", "SECRET_KEY": "nur für diesen Test " * 3}
        yield replace(room, environment={**room.environment, **more})


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


def fill(room: Room, *, title: str, count: int, to: str = "", **account: object) -> None:
    """An account and its queue: to a customer each, or all to one."""
    given = {"title": title, "count": count, "to": to, "account": account}
    _demand(room.run("-c", QUEUE, json.dumps(given), seconds=900))


def let_copies_be_due(room: Room) -> None:
    _demand(room.run("-c", LATER))


def read_fate(room: Room) -> Fate:
    return Fate(*json.loads(_demand(room.run("-c", REPORT))))


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
