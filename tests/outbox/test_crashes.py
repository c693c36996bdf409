"""The process dies between any two steps of sending; nothing is lost, nothing is sent twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from outbox.handful import MOST
from tests.intake.crashing import Room
from tests.outbox.crashing import (
    accepted_by,
    empty_house,
    fill,
    find_untruths,
    let_copies_be_due,
    read_fate,
)
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import run_scripted, silence
from tests.servers.smtp_sink import Sink

MAILS = 20
# The point, and how many messages are of unknown fate afterwards, at least and at most: those that were
# noted together. The first one is always alone.
POINTS = [
    ("outbox.claimed", 0, 0),
    ("outbox.claimed:2", 0, 0),
    ("outbox.connected", 0, 0),
    ("outbox.before_data", 0, 0),
    ("outbox.before_data:7", 0, MOST),
    ("outbox.data_started", 1, 1),
    ("outbox.data_started:7", 1, MOST),
    ("outbox.sent", 1, 1),
    ("outbox.sent:7", 1, MOST),
    ("outbox.recorded:3", 0, 0),
    ("outbox.released", 0, 0),
    ("outbox.copy_search:7", 0, 0),
    ("outbox.copy_append:7", 0, 0),
    ("outbox.copy_appended:7", 0, 0),
    ("outbox.copy_recorded:7", 0, 0),
]
# Two messages of the refusing account pass the points before those of the healthy one do.
BESIDE_SICK_ACCOUNTS = [
    ("outbox.claimed:3", 0, 0),
    ("outbox.before_data:7", 0, MOST),
    ("outbox.data_started:7", 1, MOST),
    ("outbox.sent:9", 1, MOST),
    ("outbox.recorded:4", 0, 0),
]
if os.environ.get("DATABASE_URL"):  # the second run: where rows are between two states
    names = ("outbox.claimed:2", "outbox.data_started:7", "outbox.sent:7", "outbox.recorded:3")
    POINTS = [one for one in POINTS if one[0] in (*names, "outbox.copy_appended:7")]
    BESIDE_SICK_ACCOUNTS = [one for one in BESIDE_SICK_ACCOUNTS if one[0] == "outbox.sent:9"]


@pytest.fixture
def house(room_folder: Path) -> Iterator[Room]:
    with empty_house(room_folder) as room:
        yield room


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize(("point", "least", "most"), POINTS)
def test_sent_once_or_known_to_be_unknown_after_dying_at(
    point: str, least: int, most: int, house: Room, smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    fill(
        house,
        title="Mail",
        count=MAILS,
        email=mailbox,
        smtp_port=smtp_sink.port,
        imap_host="127.0.0.1",
        imap_port=dovecot.imap_port,
        copy_to_sent=True,
    )
    died = house.run("manage.py", "deliver", crash_at=point)
    assert died.returncode == EXIT_CODE, died.stderr + "not reached"
    again = house.run("manage.py", "deliver")
    let_copies_be_due(house)
    last = house.run("manage.py", "deliver")
    assert last.returncode == 0, last.stderr + last.stdout + again.stderr

    fate = read_fate(house)
    accepted = accepted_by(one.raw for one in smtp_sink.received)
    assert find_untruths(fate, accepted) == []
    states = fate.count("Mail")
    assert least <= states["uncertain"] <= most
    assert states["sent"] == MAILS - states["uncertain"]
    assert fate.archived == MAILS
    filed = accepted_by(dovecot.messages(mailbox, "Sent"))
    assert filed == Counter(subject for subject, state in fate.states.items() if state == "sent")
    assert {subject for subject, copy in fate.copies.items() if copy == "filed"} == filed.keys()


@pytest.mark.slow
@pytest.mark.parametrize(("point", "least", "most"), BESIDE_SICK_ACCOUNTS)
def test_beside_an_account_that_hangs_and_one_that_is_refused(
    point: str, least: int, most: int, house: Room, smtp_sink: Sink
) -> None:
    smtp_sink.on_recipient = {"nein@huber.example": "550 5.1.1 no"}
    with run_scripted(silence) as hanging:
        fill(house, title="Hängt", count=2, email="a@x.example", smtp_port=hanging.port)
        nobody = "nein@huber.example"
        fill(house, title="Nein", count=2, to=nobody, email="b@x.example", smtp_port=smtp_sink.port)
        fill(house, title="Mail", count=MAILS, email="c@x.example", smtp_port=smtp_sink.port)
        died = house.run("manage.py", "deliver", crash_at=point)
        assert died.returncode == EXIT_CODE, died.stderr + "not reached"
        house.run("manage.py", "deliver")
    fate = read_fate(house)
    assert find_untruths(fate, accepted_by(one.raw for one in smtp_sink.received)) == []
    states = fate.count("Mail")
    assert least <= states["uncertain"] <= most
    assert states["sent"] == MAILS - states["uncertain"]
    assert fate.count("Nein") == Counter(failed=2)
    assert fate.count("Hängt") == Counter(retry=1, queued=1)
