"""Processes, databases and disks that fail between any two steps; afterwards everything is there once."""

from __future__ import annotations

import os
from email.message import EmailMessage

import pytest

from company.crash_points import EXIT_CODE
from tests.intake.crashing import POINTS, Room, make_mails
from tests.intake.mailbox import make_mail
from tests.servers.dovecot import Dovecot

MAILS = 20
pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


@pytest.mark.parametrize("point", POINTS)
def test_exactly_once_after_dying_at(
    point: str, waiting: Room, dovecot: Dovecot, mailbox: str
) -> None:
    assert waiting.poll(crash_at=point) == EXIT_CODE, "not reached"
    report = waiting.check_once(MAILS)
    assert report["undeleted"] == 0
    assert dovecot.messages(mailbox) == []


def test_no_mail_is_blamed_for_a_process_that_is_killed_at_the_start_each_time(
    waiting: Room, dovecot: Dovecot, mailbox: str
) -> None:
    for _ in range(5):
        assert waiting.poll(crash_at="intake.after_fetch") == EXIT_CODE, "not reached"
    assert waiting.check_once(MAILS)["undeleted"] == 0
    assert dovecot.messages(mailbox) == []


@pytest.mark.parametrize(
    "point",
    # While a group goes into the database the next one is counted, fetched and being read.
    ["intake.after_attempt:2", "intake.after_fetch:3", "intake.before_commit:2"],
)
def test_exactly_once_after_dying_in_a_backlog(
    point: str, room: Room, dovecot: Dovecot, mailbox: str
) -> None:
    room.make_account(mailbox, dovecot)
    dovecot.append(mailbox, "INBOX", make_mails(101))
    assert room.poll(crash_at=point) == EXIT_CODE, "not reached"
    assert room.check_once(101)["undeleted"] == 0
    assert dovecot.messages(mailbox) == []


@pytest.mark.parametrize(
    "point", ["intake.after_begin_again", "intake.after_fetch", "intake.after_settle"]
)
def test_dying_while_a_renumbered_folder_is_looked_through(
    point: str, room: Room, dovecot: Dovecot, mailbox: str
) -> None:
    dovecot.append(mailbox, "Kunden", [])
    room.make_account(mailbox, dovecot, "Kunden")
    mails = make_mails(MAILS)
    dovecot.append(mailbox, "Kunden", mails[:-1])
    assert room.poll() == 0
    dovecot.renumber(mailbox, "Kunden")
    dovecot.append(mailbox, "Kunden", mails[-1:])
    assert room.poll(crash_at=point) == EXIT_CODE, "not reached"
    report = room.poll_and_report()
    assert report["tickets"] == report["messages"] == sorted(f"Anfrage {n}" for n in range(MAILS))
    assert report["stored"] == len(report["archive"]) == MAILS
    assert set(report["states"]) <= {"done", "gone"}


KILLER = """
django.setup()
import intake.receive as receive
keep = receive._new_message
def deadly(one, *rest):
    if b"toedlich" in one.raw:
        import os; os._exit(137)
    return keep(one, *rest)
receive._new_message = deadly
"""
KILLS_ITS_READER = """
django.setup()
import mailcore.read_mail as reading
from mailcore.read_beside import ReaderProcess
parse = reading.parse
def deadly(raw, **options):
    if b"toedlich" in raw:
        import os; os._exit(137)
    return parse(raw, **options)
reading.parse = deadly
ReaderProcess.module = "tests.intake.deadly_reader"
"""
DUE = """
django.setup()
from intake.models import IntakeItem
IntakeItem.objects.update(next_attempt_at=None)
"""


def test_a_mail_that_kills_the_process_is_set_aside_and_harms_no_other(
    room: Room, dovecot: Dovecot, mailbox: str
) -> None:
    """The first death takes the group along, the others come alone then; the third is the last."""
    room.make_account(mailbox, dovecot)
    mails = make_mails(MAILS)
    mails[7] = make_mail(7, text="toedlich")
    dovecot.append(mailbox, "INBOX", mails)
    poll = room.poll_with(KILLER)
    assert [room.run(*poll).returncode for _ in range(3)] == [EXIT_CODE] * 3
    dovecot.append(mailbox, "INBOX", [make_mail(MAILS)])
    assert room.run(*poll).returncode == 0
    report = room.report()
    assert report["states"] == ["done", "quarantined"]
    assert report["tickets"] == sorted(f"Anfrage {n}" for n in range(MAILS + 1) if n != 7)
    assert report["undeleted"] == 1
    (left,) = dovecot.messages(mailbox)
    assert b"toedlich" in left


def test_a_mail_that_cannot_even_be_read_kills_the_process_once(
    room: Room, dovecot: Dovecot, mailbox: str
) -> None:
    """What was tried before is read by a process of its own: that one dies in the worker's place."""
    room.make_account(mailbox, dovecot)
    mails = make_mails(MAILS)
    mails[7] = make_mail(7, text="toedlich")
    dovecot.append(mailbox, "INBOX", mails)
    poll = room.poll_with(KILLS_ITS_READER)
    assert room.run(*poll).returncode == EXIT_CODE
    for _ in range(2):
        assert room.run(*poll).returncode == 0
        assert room.run("-c", "import django" + DUE).returncode == 0
    report = room.report()
    assert report["states"] == ["done", "quarantined"]
    assert report["tickets"] == sorted(f"Anfrage {n}" for n in range(MAILS) if n != 7)


def test_two_processes_at_once(waiting: Room, dovecot: Dovecot, mailbox: str) -> None:
    pollers = [waiting.start("manage.py", "poll") for _ in range(3)]
    assert [process.wait() for process in pollers] == [0, 0, 0]
    waiting.check_once(MAILS)
    assert dovecot.messages(mailbox) == []


@pytest.mark.parametrize(
    "point", ["intake.after_ledger", "intake.after_fetch", "intake.after_blobs"]
)
def test_a_poller_whose_lease_ran_out_under_it(
    point: str, waiting: Room, dovecot: Dovecot, mailbox: str
) -> None:
    """It stands still, the clock jumps, another takes everything over; then it goes on."""
    with waiting.stopped_at(point):
        waiting.lose_leases()
        waiting.check_once(MAILS)
    assert dovecot.messages(mailbox) == []


FULL_DISK = """
django.setup()
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
"""


def test_a_disk_that_is_full_for_a_large_mail(room: Room, dovecot: Dovecot, mailbox: str) -> None:
    """Its bytes cannot be written: nothing is lost, deleted or counted against anybody."""
    room.make_account(mailbox, dovecot)
    dovecot.append(mailbox, "INBOX", [*make_mails(MAILS), large_mail(MAILS)])
    assert room.run(*room.poll_with(FULL_DISK)).returncode != 0
    assert len(dovecot.messages(mailbox)) >= 1
    report = room.report()
    assert "quarantined" not in report["states"]
    assert not list((room.data / "blobs").glob("**/.new-*"))
    report = room.poll_and_report()
    assert (
        report["tickets"] == report["archive"] == sorted(f"Anfrage {n}" for n in range(MAILS + 1))
    )
    assert (report["states"], report["attempts"], report["undeleted"]) == (["done"], [1], 0)
    assert dovecot.messages(mailbox) == []


def large_mail(number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "kunde@huber.example", "info@firma.example"
    message["Subject"], message["Message-ID"] = f"Anfrage {number}", "<large@huber.example>"
    message.set_content("Anbei.")
    message.add_attachment(os.urandom(5_000_000), "application", "pdf", filename="gross.pdf")
    return message.as_bytes()
