"""What can befall the SQLite file while mail is taken over: locked for long, or full."""

from __future__ import annotations

import sqlite3

import pytest

from tests.intake.crashing import Room
from tests.servers.dovecot import Dovecot
from tests.servers.empty_database import SQLITE

MAILS = 20
pytestmark = [pytest.mark.slow, pytest.mark.dovecot]
SHORT_WAIT = 'settings.DATABASES["default"]["OPTIONS"]["timeout"] = 0.3\ndjango.setup()'


@pytest.mark.parametrize("point", ["", "intake.after_attempt", "intake.after_blobs"])
def test_the_database_is_locked_for_longer_than_one_waits(
    point: str, waiting: Room, dovecot: Dovecot, mailbox: str
) -> None:
    other = sqlite3.connect(waiting.data / SQLITE, isolation_level=None)
    before = SHORT_WAIT
    if point:
        before += LOCK_AT.format(file=str(waiting.data / SQLITE), point=point)
    else:
        other.execute("BEGIN IMMEDIATE")
    assert waiting.run(*waiting.poll_with(before)).returncode != 0
    assert len(dovecot.messages(mailbox)) == MAILS
    if not point:
        other.execute("ROLLBACK")
    other.close()
    waiting.check_once(MAILS)


LOCK_AT = """
import sqlite3, intake.poll_folder, intake.receive
other = sqlite3.connect({file!r}, isolation_level=None, check_same_thread=False)
def lock(name):
    if name == {point!r}:
        other.execute("BEGIN IMMEDIATE")
intake.poll_folder.crash_point = intake.receive.crash_point = lock
"""


FULL_DATABASE = """
import sqlite3
pages = sqlite3.connect({file!r}).execute("PRAGMA page_count").fetchone()[0]
settings.DATABASES["default"]["OPTIONS"]["init_command"] += f"PRAGMA max_page_count={{pages + 2}};"
django.setup()
"""


def test_a_database_that_is_full(waiting: Room, dovecot: Dovecot, mailbox: str) -> None:
    before = FULL_DATABASE.format(file=str(waiting.data / SQLITE))
    for _ in range(4):  # however often: it is nobody's fault
        assert waiting.run(*waiting.poll_with(before)).returncode != 0
    assert len(dovecot.messages(mailbox)) == MAILS
    waiting.check_once(MAILS)
    assert dovecot.messages(mailbox) == []
