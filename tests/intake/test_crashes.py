"""The process dies between any two steps of taking mail over; afterwards everything is there once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from tests.intake.mailbox import make_mail
from tests.servers.dovecot import Dovecot

ROOT = Path(__file__).parents[2]
MAILS = 20
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
]

SET_UP = """
import django, sys; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
ACCOUNT = """
import django, sys; django.setup()
from autoresponder.models import Autoresponder
from tests.factories import make_account
account = make_account(
    sys.argv[1], imap_host="127.0.0.1", imap_port=int(sys.argv[2]), since_date=None,
    tickets_enabled=True, archive_enabled=True, delete_on_server=True,
)
Autoresponder.objects.create(account=account, is_active=True, subject="{TICKET}", text="Danke")
"""
REPORT = """
import django, json; django.setup()
from archive.models import ArchiveEntry
from intake.models import IntakeItem
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tickets.models import Ticket, TicketMessage
incoming = TicketMessage.objects.filter(kind="in")
for message in StoredMessage.objects.all():
    read_raw(message)
print(json.dumps({
    "tickets": sorted(Ticket.objects.values_list("subject", flat=True)),
    "numbers": Ticket.objects.values("number").distinct().count(),
    "messages": sorted(incoming.values_list("message__subject", flat=True)),
    "archive": ArchiveEntry.objects.count(),
    "answers": sorted(OutgoingMessage.objects.values_list("recipients__email", flat=True)),
    "shown": TicketMessage.objects.filter(kind="auto").count(),
    "states": sorted(set(IntakeItem.objects.values_list("state", flat=True))),
    "undeleted": IntakeItem.objects.filter(deleted_at=None).count(),
}))
"""


def run(data: Path, *command: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "nur für diesen Test",
        "POSTSTELLE_LOG_LEVEL": "ERROR",
        "POSTSTELLE_CRASH_AT": crash_at,
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def fresh_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("installation")
    done = run(data, "-c", SET_UP)
    assert done.returncode == 0, done.stderr
    return data


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize("point", POINTS)
def test_exactly_once_after_dying_at(
    point: str, fresh_installation: Path, tmp_path: Path, dovecot: Dovecot, mailbox: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(fresh_installation, data)
    assert run(data, "-c", ACCOUNT, mailbox, str(dovecot.imap_port)).returncode == 0
    assert run(data, "manage.py", "poll").returncode == 0  # from here on mail is new, no backlog
    senders = [f"kunde{number}@huber.example" for number in range(MAILS)]
    mails = [make_mail(number, sender=sender) for number, sender in enumerate(senders)]
    dovecot.append(mailbox, "INBOX", mails)

    assert run(data, "manage.py", "poll", crash_at=point).returncode == EXIT_CODE, "not reached"
    again = run(data, "manage.py", "poll")
    assert again.returncode == 0, again.stderr + again.stdout

    report = json.loads(run(data, "-c", REPORT).stdout)
    subjects = sorted(f"Anfrage {number}" for number in range(MAILS))
    assert report["tickets"] == report["messages"] == subjects
    assert report["numbers"] == report["archive"] == report["shown"] == MAILS
    assert report["answers"] == sorted(senders)
    assert report["states"] == ["done"]
    assert report["undeleted"] == 0
    assert dovecot.messages(mailbox) == []


@pytest.mark.slow
@pytest.mark.dovecot
def test_a_mail_that_kills_the_process_is_set_aside_and_harms_no_other(
    fresh_installation: Path, tmp_path: Path, dovecot: Dovecot, mailbox: str
) -> None:
    """Every run dies at the first mail tried again; that one ends in quarantine, the rest arrives."""
    data = tmp_path / "data"
    shutil.copytree(fresh_installation, data)
    assert run(data, "-c", ACCOUNT, mailbox, str(dovecot.imap_port)).returncode == 0
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(4)])
    for _ in range(3):
        assert run(data, "manage.py", "poll", crash_at="intake.after_blobs").returncode == EXIT_CODE

    assert run(data, "manage.py", "poll").returncode == 0
    report = json.loads(run(data, "-c", REPORT).stdout)
    assert report["states"] == ["done", "quarantined"]
    assert report["tickets"] == [f"Anfrage {number}" for number in (1, 2, 3)]
    assert report["undeleted"] == 1
    assert len(dovecot.messages(mailbox)) == 1
