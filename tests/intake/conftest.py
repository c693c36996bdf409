from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.crashing import Room, empty_room, make_mails
from tests.servers.dovecot import Dovecot

# What one database only can suffer.
collect_ignore = [
    "test_crashes_sqlite.py" if os.environ.get("DATABASE_URL") else "test_crashes_postgres.py"
]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with empty_room(tmp_path / "data") as made:
        yield made


@pytest.fixture
def waiting(room: Room, dovecot: Dovecot, mailbox: str) -> Room:
    """The installation with an account whose mailbox holds new mails."""
    room.make_account(mailbox, dovecot)
    dovecot.append(mailbox, "INBOX", make_mails(20))
    return room
