"""The process dies between any two steps of sending; nothing is lost, nothing is sent twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

ROOT = Path(__file__).parents[2]
MAILS = 20
# The point, and how many messages may be of unknown fate afterwards.
POINTS = [
    ("outbox.claimed", 0),
    ("outbox.claimed:2", 0),
    ("outbox.connected", 0),
    ("outbox.before_data:7", 0),
    ("outbox.data_started:7", 1),
    ("outbox.sent:7", 1),
    ("outbox.recorded:7", 0),
    ("outbox.released", 0),
    ("outbox.copy_search:7", 0),
    ("outbox.copy_append:7", 0),
    ("outbox.copy_appended:7", 0),
    ("outbox.copy_recorded:7", 0),
]

SET_UP = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
QUEUE = """
import django, sys; django.setup()
from django.db import transaction
from tests.factories import make_account
from tests.outbox.outgoing import make_draft, queue
account = make_account(
    sys.argv[1], smtp_port=int(sys.argv[2]), archive_enabled=True,
    imap_host="127.0.0.1", imap_port=int(sys.argv[3]), copy_to_sent=True,
)
for number in range(int(sys.argv[4])):
    with transaction.atomic():
        queue(account, draft=make_draft(f"kunde{number}@huber.example", subject=f"Mail {number}"))
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


def run(data: Path, *command: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "nur für diesen Test " * 3,
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


def _subject(raw: bytes) -> str:
    return raw.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize(("point", "uncertain"), POINTS)
def test_sent_once_or_known_to_be_unknown_after_dying_at(
    point: str,
    uncertain: int,
    fresh_installation: Path,
    tmp_path: Path,
    smtp_sink: Sink,
    dovecot: Dovecot,
    mailbox: str,
) -> None:
    data = tmp_path / "data"
    shutil.copytree(fresh_installation, data)
    ports = (str(smtp_sink.port), str(dovecot.imap_port))
    queued = run(data, "-c", QUEUE, mailbox, *ports, str(MAILS))
    assert queued.returncode == 0, queued.stderr

    died = run(data, "manage.py", "deliver", crash_at=point)
    assert died.returncode == EXIT_CODE, died.stderr + "not reached"
    again = run(data, "manage.py", "deliver")
    assert run(data, "-c", LATER).returncode == 0
    last = run(data, "manage.py", "deliver")
    assert last.returncode == 0, last.stderr + last.stdout + again.stderr

    states, copies, archived = json.loads(run(data, "-c", REPORT).stdout)
    accepted = Counter(_subject(one.raw) for one in smtp_sink.received)
    assert len(states) == MAILS
    assert Counter(states.values()) == Counter(sent=MAILS - uncertain, uncertain=uncertain)
    for subject, state in states.items():
        assert accepted[subject] == 1 if state == "sent" else accepted[subject] <= 1
    assert archived == MAILS
    filed = Counter(map(_subject, dovecot.messages(mailbox, "Sent")))
    assert filed == Counter(subject for subject, state in states.items() if state == "sent")
    assert {subject for subject, copy in copies.items() if copy == "filed"} == filed.keys()
