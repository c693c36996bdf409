from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from mailaccounts.models import MailAccount
from tests.intake.crashing import Room, empty_room, make_mails
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import scripted_account
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox, serving

# What one database only can suffer.
collect_ignore = [
    "test_crashes_sqlite.py" if os.environ.get("DATABASE_URL") else "test_crashes_postgres.py"
]


@pytest.fixture
def room(room_folder: Path) -> Iterator[Room]:
    with empty_room(room_folder) as made:
        yield made


@pytest.fixture
def waiting(room: Room, dovecot: Dovecot, mailbox: str) -> Room:
    """The installation with an account whose mailbox holds new mails."""
    room.make_account(mailbox, dovecot)
    dovecot.append(mailbox, "INBOX", make_mails(20))
    return room


@pytest.fixture
def box() -> Mailbox:
    """Three mails on a scripted server, which misbehaves as the test tells it to."""
    return Mailbox({uid: make_mail(uid) for uid in (1, 2, 3)})


@pytest.fixture
def server(box: Mailbox, settings: Settings) -> Iterator[ScriptedServer]:
    settings.SERVER_TIMEOUT = 0.5
    with serving(box) as running:
        yield running


@pytest.fixture
def account(server: ScriptedServer) -> MailAccount:
    return scripted_account(server)
