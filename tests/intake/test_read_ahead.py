from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from archive.models import ArchiveEntry
from intake import ledger, read_group
from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from intake.poll_run import PollRun
from intake.read_group import Fetched
from intake.receive import receive_group
from mailaccounts.models import MailFolder
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import ImapSession
from mailcore.read_beside import ReaderDied, ReaderProcess
from mailcore.read_mail import OurMarks, Raw, read_mail
from mailstore import blobs
from mailstore.models import StoredMessage
from tests.factories import make_account
from tests.intake.mailbox import make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket, TicketMessage

State = IntakeItem.State
OURS = OurMarks(frozenset({"info@firma.example"}), (b"key",))
BACKLOG = 110


@pytest.fixture
def backlog(dovecot: Dovecot, mailbox: str) -> int:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    dovecot.append(mailbox, "INBOX", [make_mail(number) for number in range(BACKLOG)])
    return account.pk


def count_states(state: str) -> int:
    return IntakeItem.objects.filter(state=state).count()


def test_the_process_beside_reads_what_is_read_here() -> None:
    raws = [Raw(make_mail(number, text="Grüße\n> alt"), timezone.now()) for number in range(3)]
    reader = ReaderProcess()
    for _ in range(2):
        reader.begin(raws, OURS)
        assert reader.finish() == [read_mail(raw, OURS) for raw in raws]
    reader.close()


def test_a_process_that_dies_is_told_of_and_started_again() -> None:
    reader = ReaderProcess()
    reader.begin([], OURS)
    assert reader.finish() == []
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    with pytest.raises(ReaderDied):
        reader.begin([Raw(make_mail(), timezone.now())], OURS)
    with pytest.raises(ReaderDied):
        reader.finish()
    reader.begin([], OURS)
    assert reader.finish() == []
    reader.close()


@pytest.mark.dovecot
@pytest.mark.django_db(transaction=True)
def test_a_mail_that_kills_its_reader_is_set_aside_and_the_worker_lives(
    dovecot: Dovecot, mailbox: str, backlog: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReaderProcess, "module", "tests.intake.deadly_reader")
    dovecot.append(mailbox, "INBOX", [make_mail(BACKLOG, text="toedlich")])

    for attempt in (1, 2, 3):
        summary = poll_account(backlog)
        assert summary.error is None
        deadly = IntakeItem.objects.exclude(state=State.DONE).get()
        assert deadly.attempts == attempt
        IntakeItem.objects.filter(pk=deadly.pk).update(next_attempt_at=None)
    assert deadly.state == State.QUARANTINED
    assert deadly.blob
    assert "ReaderDied" in deadly.error
    assert Ticket.objects.count() == ArchiveEntry.objects.count() == BACKLOG


@pytest.mark.dovecot
@pytest.mark.django_db(transaction=True)
def test_when_the_server_goes_what_was_fetched_is_taken_over(
    backlog: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server_gone_after(2, monkeypatch):
        summary = poll_account(backlog)
        assert summary.error is not None
    assert count_states(State.DONE) == Ticket.objects.count() == 75  # groups of 25 and 50
    assert set(IntakeItem.objects.filter(state=State.NOTED).values_list("attempts", flat=True)) == {
        0
    }

    poll_account(backlog)
    assert count_states(State.DONE) == Ticket.objects.count() == BACKLOG
    assert TicketMessage.objects.values("message").distinct().count() == BACKLOG


@contextmanager
def server_gone_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    original = ImapSession.fetch_batch
    left = [batches]

    def fetch_batch(self: ImapSession, uids: Any) -> dict[int, bytes]:
        left[0] -= 1
        if left[0] < 0:
            raise MailError(Kind.DISCONNECTED, Step.FETCH)
        return original(self, uids)

    with monkeypatch.context() as patch:
        patch.setattr(ImapSession, "fetch_batch", fetch_batch)
        yield


@pytest.mark.dovecot
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_counts_against_no_message_of_either_group(
    backlog: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = blobs.put_blobs
    left = [1]

    def put_blobs(raws: list[bytes]) -> list[str]:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return original(raws)

    with monkeypatch.context() as patch:
        patch.setattr(read_group, "put_blobs", put_blobs)
        with pytest.raises(OSError, match="No space"):
            poll_account(backlog)
    assert set(IntakeItem.objects.filter(state=State.NOTED).values_list("attempts", flat=True)) == {
        0
    }

    poll_account(backlog)
    assert count_states(State.DONE) == Ticket.objects.count() == BACKLOG


@pytest.mark.django_db(transaction=True)
def test_a_group_of_fifty_needs_as_many_statements_as_one_of_ten() -> None:
    account = make_account(tickets_enabled=True, archive_enabled=True, email="info@firma.example")
    folder = MailFolder.objects.create(account=account, name="INBOX")
    FolderCursor.objects.create(folder=folder, uidvalidity=1)
    first = [make_mail(number) for number in range(60)]
    answers = [
        make_mail(100 + number, In_Reply_To=f"<mail-{number}@huber.example>")
        for number in range(60)
    ]

    def count(raws: list[bytes]) -> int:
        rows = [
            IntakeItem(
                account=account,
                folder=folder,
                uidvalidity=1,
                uid=IntakeItem.objects.count() + number,
                internal_date=timezone.now(),
            )
            for number in range(1, len(raws) + 1)
        ]
        IntakeItem.objects.bulk_create(rows)
        ledger.begin_attempt(rows)
        with PollRun(account, owner="") as run, CaptureQueriesContext(connection) as queries:
            run.numbers.reserve(len(raws))
            fetched = [Fetched(row, raw) for row, raw in zip(rows, raws, strict=True)]
            receive_group(fetched, folder=folder, run=run)
        assert run.counts.done == len(raws)
        return len(queries)

    # SQLite takes a bounded number of values at a time: wide rows of many mails are some statements more.
    spare = 8 if connections["default"].vendor == "sqlite" else 0
    for mails in (first, answers):
        few = count(mails[:10])
        assert count(mails[10:]) <= few + spare
    assert Ticket.objects.count() == 60
    assert StoredMessage.objects.count() == 120
