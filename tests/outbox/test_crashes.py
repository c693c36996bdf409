"""The process dies between any two steps of sending; nothing is lost, nothing is sent twice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from tests.outbox.crashing import (
    accepted_by,
    fill,
    find_untruths,
    let_copies_be_due,
    read_fate,
    run,
    set_up,
)
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import run_scripted, silence
from tests.servers.smtp_sink import Sink

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


@pytest.fixture(scope="module")
def fresh_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("installation")
    set_up(data)
    return data


@pytest.fixture
def data(fresh_installation: Path, tmp_path: Path) -> Path:
    shutil.copytree(fresh_installation, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize(("point", "uncertain"), POINTS)
def test_sent_once_or_known_to_be_unknown_after_dying_at(
    point: str, uncertain: int, data: Path, smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    fill(
        data,
        title="Mail",
        count=MAILS,
        email=mailbox,
        smtp_port=smtp_sink.port,
        imap_host="127.0.0.1",
        imap_port=dovecot.imap_port,
        copy_to_sent=True,
    )
    died = run(data, "manage.py", "deliver", crash_at=point)
    assert died.returncode == EXIT_CODE, died.stderr + "not reached"
    again = run(data, "manage.py", "deliver")
    let_copies_be_due(data)
    last = run(data, "manage.py", "deliver")
    assert last.returncode == 0, last.stderr + last.stdout + again.stderr

    fate = read_fate(data)
    accepted = accepted_by(one.raw for one in smtp_sink.received)
    assert find_untruths(fate, accepted) == []
    assert fate.count("Mail") == Counter(sent=MAILS - uncertain, uncertain=uncertain)
    assert fate.archived == MAILS
    filed = accepted_by(dovecot.messages(mailbox, "Sent"))
    assert filed == Counter(subject for subject, state in fate.states.items() if state == "sent")
    assert {subject for subject, copy in fate.copies.items() if copy == "filed"} == filed.keys()


# Two messages of the refusing account pass the points before those of the healthy one do.
BESIDE_SICK_ACCOUNTS = [
    ("outbox.claimed:3", 0),
    ("outbox.before_data:7", 0),
    ("outbox.data_started:7", 1),
    ("outbox.sent:9", 1),
    ("outbox.recorded:9", 0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "uncertain"), BESIDE_SICK_ACCOUNTS)
def test_beside_an_account_that_hangs_and_one_that_is_refused(
    point: str, uncertain: int, data: Path, smtp_sink: Sink
) -> None:
    smtp_sink.on_recipient = {"nein@huber.example": "550 5.1.1 no"}
    with run_scripted(silence) as hanging:
        fill(data, title="Hängt", count=2, email="a@x.example", smtp_port=hanging.port)
        nobody = "nein@huber.example"
        fill(data, title="Nein", count=2, to=nobody, email="b@x.example", smtp_port=smtp_sink.port)
        fill(data, title="Mail", count=MAILS, email="c@x.example", smtp_port=smtp_sink.port)
        died = run(data, "manage.py", "deliver", crash_at=point)
        assert died.returncode == EXIT_CODE, died.stderr + "not reached"
        run(data, "manage.py", "deliver")
    fate = read_fate(data)
    assert find_untruths(fate, accepted_by(one.raw for one in smtp_sink.received)) == []
    assert fate.count("Mail") == Counter(sent=MAILS - uncertain, uncertain=uncertain)
    assert fate.count("Nein") == Counter(failed=2)
    assert fate.count("Hängt") == Counter(retry=1, queued=1)
