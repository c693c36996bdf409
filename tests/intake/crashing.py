"""An installation whose processes die, stop or run out of disk while they take mail over.

On the database of the test run: a copy of a migrated SQLite file, or of a migrated PostgreSQL database.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.intake.mailbox import make_mail
from tests.servers import warm
from tests.servers.dovecot import Dovecot
from tests.servers.empty_database import SQLITE, address_of, migrated_postgres, migrated_sqlite
from tests.servers.warm import WarmProcess

ROOT = Path(__file__).parents[2]
# Every pair of steps of taking mail over lies around one of these.
POINTS = [
    "intake.after_ledger",
    "intake.after_attempt",
    "intake.after_fetch",
    "intake.after_blobs",
    "intake.after_store",
    "intake.after_archive",
    "intake.after_tickets",
    "intake.after_answers",
    "intake.before_commit",
    "intake.after_commit",
    "intake.before_expunge",
    "intake.after_expunge",
    "intake.before_release",
]

_ACCOUNT = """
import django, sys; django.setup()
from autoresponder.models import Autoresponder
from mailaccounts.models import MailFolder
from tests.factories import make_account
account = make_account(
    sys.argv[1], imap_host="127.0.0.1", imap_port=int(sys.argv[2]), since_date=None,
    tickets_enabled=True, archive_enabled=True, delete_on_server=sys.argv[3] == "INBOX",
)
MailFolder.objects.create(account=account, name=sys.argv[3])
Autoresponder.objects.create(account=account, is_active=True, subject="{TICKET}", text="Danke")
if sys.argv[4] == "poll":  # from here on mail is new, no backlog
    from django.core.management import call_command
    call_command("poll")
"""
_REPORT = """
import django, json; django.setup()
from archive.models import ArchiveEntry
from intake.models import IntakeItem
from mailaccounts.models import AccountLink
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tickets.models import Ticket, TicketMessage
incoming = TicketMessage.objects.filter(kind="in")
for message in StoredMessage.objects.iterator(500):
    read_raw(message)
print(json.dumps({
    "tickets": sorted(Ticket.objects.values_list("subject", flat=True)),
    "numbers": Ticket.objects.values("number").distinct().count(),
    "messages": sorted(incoming.values_list("message__subject", flat=True)),
    "archive": sorted(ArchiveEntry.objects.values_list("message__subject", flat=True)),
    "stored": StoredMessage.objects.filter(direction="in").count(),
    "answers": sorted(OutgoingMessage.objects.values_list("recipients__email", flat=True)),
    "shown": TicketMessage.objects.filter(kind="auto").count(),
    "states": sorted(set(IntakeItem.objects.values_list("state", flat=True))),
    "attempts": sorted(set(IntakeItem.objects.values_list("attempts", flat=True))),
    "undeleted": IntakeItem.objects.filter(deleted_at=None).count(),
    "open": IntakeItem.objects.filter(state="noted").count(),
    "leases": AccountLink.objects.exclude(lease_owner="").count(),
}))
"""
_LOST_LEASE = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from mailaccounts.models import AccountLink
AccountLink.objects.update(lease_until=timezone.now() - timedelta(days=1))
"""
_STOP_AT = """
import os, signal
import intake.poll_folder, intake.receive
def stop(name):
    if name == {point!r} and not stop.done:
        stop.done = True
        os.kill(os.getpid(), signal.SIGSTOP)
stop.done = False
intake.poll_folder.crash_point = intake.receive.crash_point = stop
"""


@dataclass
class Room:
    """The installation. `answers` are the mails it answers automatically: those that are no backlog."""

    data: Path
    environment: dict[str, str]

    def run(
        self, *command: str, crash_at: str = "", seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        return warm.run(command, environment=self._with(crash_at), seconds=seconds)

    def start(self, *command: str, crash_at: str = "") -> WarmProcess:
        log = self.data / "output.log"
        return warm.start(command, environment=self._with(crash_at), log=log)

    def _with(self, crash_at: str) -> dict[str, str]:
        return {**self.environment, "POSTSTELLE_CRASH_AT": crash_at}

    def poll(self, *, crash_at: str = "") -> int:
        return self.run("manage.py", "poll", crash_at=crash_at).returncode

    def poll_with(self, before: str, then: str = "") -> tuple[str, ...]:
        """A command: polls between these two pieces of code."""
        poll = "from django.core.management import call_command; call_command('poll')"
        start = "import django; from django.conf import settings"
        return ("-c", "\n".join((start, before, poll, then)))

    def add_account(
        self, mailbox: str, *, port: int, folder: str = "INBOX", then: str = ""
    ) -> None:
        done = self.run("-c", _ACCOUNT, mailbox, str(port), folder, then)
        assert done.returncode == 0, done.stderr

    def make_account(self, mailbox: str, dovecot: Dovecot, folder: str = "INBOX") -> None:
        self.add_account(mailbox, port=dovecot.imap_port, folder=folder, then="poll")

    def lose_leases(self) -> None:
        """The clock jumped: every lease has run out."""
        assert self.run("-c", _LOST_LEASE).returncode == 0

    @contextmanager
    def stopped_at(self, point: str) -> Iterator[WarmProcess]:
        """A poll that stands still there; afterwards it goes on and comes to its end."""
        before = "django.setup()" + _STOP_AT.format(point=point)
        process = self.start(*self.poll_with(before))
        _wait_until_stopped(process)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.wait()

    def poll_and_report(self) -> dict[str, Any]:
        """The next poll, which must work, and what is there then."""
        return self._report(*self.poll_with("django.setup()", then=_REPORT))

    def report(self) -> dict[str, Any]:
        return self._report("-c", _REPORT)

    def _report(self, *command: str) -> dict[str, Any]:
        done = self.run(*command, seconds=3600)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def check_once(self, count: int) -> dict[str, Any]:
        """After the next poll everything of these mails is there exactly once, and nothing is open."""
        report = self.poll_and_report()
        subjects = sorted(f"Anfrage {number}" for number in range(count))
        assert report["tickets"] == report["messages"] == report["archive"] == subjects
        assert report["numbers"] == report["stored"] == report["shown"] == count
        assert report["answers"] == sorted(sender(number) for number in range(count))
        assert (report["states"], report["leases"]) == (["done"], 0)
        return report


def sender(number: int) -> str:
    return f"kunde{number}@huber.example"


def make_mails(count: int) -> list[bytes]:
    return [make_mail(number, sender=sender(number)) for number in range(count)]


@contextmanager
def empty_room(data: Path, *, database_url: str | None = None) -> Iterator[Room]:
    """A fresh installation in this folder. Its PostgreSQL database is dropped in the end."""
    url = os.environ.get("DATABASE_URL", "") if database_url is None else database_url
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "nur für diesen Test",
        "POSTSTELLE_LOG_LEVEL": "ERROR",
    }
    data.mkdir(exist_ok=True)
    if not url:
        (data / SQLITE).write_bytes(migrated_sqlite())
        yield Room(data, environment)
        return
    name = f"crash_{hashlib.sha256(bytes(data)).hexdigest()[:16]}"
    template = migrated_postgres(url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield Room(data, {**environment, "DATABASE_URL": address_of(url, name)})
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _wait_until_stopped(process: WarmProcess, seconds: float = 60) -> None:
    status = Path(f"/proc/{process.pid}/stat")
    deadline = time.monotonic() + seconds
    while status.read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None, "it ended before it came to the point"
        assert time.monotonic() < deadline, "it did not come to the point"
        time.sleep(0.02)
