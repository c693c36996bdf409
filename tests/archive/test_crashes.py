"""The process dies in the middle of deleting; the next run finishes, and nothing else is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from tests.intake.crashing import empty_room

SET_UP = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from archive.add import add
from mailstore.models import StoredMessage
from mailstore.store import store_message
from tests.factories import make_account, make_ticket
from tests.intake.mailbox import make_mail
from tickets.models import TicketMessage
account = make_account(archive_enabled=True, archive_days=30)
IN = StoredMessage.Direction.INCOMING
for number in range(20):
    when = timezone.now() - timedelta(days=40 if number < 15 else 20)
    message = store_message(make_mail(number), direction=IN, received_at=when)
    add(account=account, message=message, direction=IN, mail_date=when)
    if number % 5 == 0:
        TicketMessage.objects.create(
            ticket=make_ticket(), kind="in", account=account, message=message, created_at=when
        )
"""
DELETE = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
import mailstore.blobs
from archive.delete_expired import delete_expired
mailstore.blobs.FRESH = timedelta(0)
delete_expired()
delete_expired(at=timezone.now() + timedelta(hours=2))
"""
REPORT = """
import django, json; django.setup()
from archive.models import ArchiveEntry
from mailstore.blobs import has_blob
from mailstore.models import StoredMessage
kept = StoredMessage.objects.values_list("sha256", flat=True)
print(json.dumps({
    "tombstones": ArchiveEntry.objects.filter(message=None, deleted_after=30).count(),
    "kept": ArchiveEntry.objects.exclude(message=None).count(),
    "messages": len(kept),
    "readable": sum(map(has_blob, kept)),
    "bytes": sum(map(has_blob, ArchiveEntry.objects.values_list("sha256", flat=True))),
    "pending": ArchiveEntry.objects.filter(bytes_pending=True).count(),
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", ["archive.after_letting_go:4", "archive.after_deleting:6", "archive.after_bytes:3"]
)
def test_deleted_once_and_nothing_too_much(point: str, room_folder: Path) -> None:
    """20 messages, 15 of them expired, of which tickets show 3."""
    with empty_room(room_folder) as room:
        done = room.run("-c", SET_UP)
        assert done.returncode == 0, done.stderr

        assert room.run("-c", DELETE, crash_at=point).returncode == EXIT_CODE, "not reached"
        again = room.run("-c", DELETE)
        assert again.returncode == 0, again.stderr

        assert json.loads(room.run("-c", REPORT).stdout) == {
            "tombstones": 15,
            "kept": 5,
            "messages": 8,
            "readable": 8,
            "bytes": 8,
            "pending": 0,
        }
