from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from archive import delete_expired as expiry
from archive.add import add
from archive.delete_expired import delete_expired
from archive.models import ArchiveEntry
from intake.models import IntakeItem
from intake.poll import poll_account
from mailaccounts.models import MailAccount, MailFolder
from mailstore.blobs import has_blob
from mailstore.models import StoredMessage
from mailstore.store import store_message
from tests.factories import make_account, make_document, make_ticket, make_user
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account
from tests.intake.test_import import write_mbox
from tests.outbox.outgoing import queue
from tests.servers.dovecot import Dovecot
from tickets.models import TicketMessage

pytestmark = pytest.mark.django_db
INCOMING = StoredMessage.Direction.INCOMING
NOW = timezone.now()


@pytest.fixture(autouse=True)
def _old_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes written by a test count as written long ago."""
    monkeypatch.setattr("mailstore.blobs.FRESH", timedelta(0))


def archive(account: MailAccount, number: int, *, when: datetime) -> ArchiveEntry | None:
    message = store_message(make_mail(number), direction=INCOMING, received_at=when)
    return add(account=account, message=message, direction=INCOMING, mail_date=when)


def archiving(**values: Any) -> MailAccount:
    return make_account(archive_enabled=True, **values)


def test_once_for_each_account_and_only_where_wanted() -> None:
    first, second, none = archiving(), archiving(), make_account()
    entries = [archive(account, 1, when=NOW) for account in (first, first, second)]
    assert entries[0] == entries[1] != entries[2]
    assert archive(none, 1, when=NOW) is None
    assert ArchiveEntry.objects.count() == 2


@pytest.mark.parametrize("days", [None, 0])
def test_without_days_everything_stays(days: int | None) -> None:
    archive(archiving(archive_days=days), 1, when=NOW - timedelta(days=10_000))
    assert delete_expired() == 0
    assert ArchiveEntry.objects.get().message is not None


def test_a_switched_off_archive_keeps_what_it_has() -> None:
    account = archiving(archive_days=30)
    archive(account, 1, when=NOW - timedelta(days=10_000))
    MailAccount.objects.filter(pk=account.pk).update(archive_enabled=False)
    assert delete_expired() == 0
    MailAccount.objects.filter(pk=account.pk).update(archive_enabled=True)
    assert delete_expired() == 1


def test_what_has_expired_is_a_tombstone_and_its_bytes_go_an_hour_later() -> None:
    account = archiving(archive_days=30)
    old = archive(account, 1, when=NOW - timedelta(days=32))
    young = archive(account, 2, when=NOW - timedelta(days=29))
    assert old is not None
    assert young is not None

    assert delete_expired(at=NOW) == 1
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.message, old.deleted_at) == (None, NOW)
    assert young.message is not None
    assert not StoredMessage.objects.filter(sha256=old.sha256).exists()
    assert has_blob(old.sha256)

    assert delete_expired(at=NOW + timedelta(hours=2)) == 0
    assert not has_blob(old.sha256)
    assert has_blob(young.sha256)


def test_bytes_that_came_again_stay() -> None:
    old = archive(archiving(archive_days=30), 1, when=NOW - timedelta(days=32))
    assert old is not None
    delete_expired(at=NOW)
    message = store_message(make_mail(1), direction=INCOMING, received_at=NOW)
    TicketMessage.objects.create(
        ticket=make_ticket(), kind="in", account=old.account, message=message, created_at=NOW
    )
    delete_expired(at=NOW + timedelta(hours=2))
    assert has_blob(old.sha256)
    assert StoredMessage.objects.get() == message


def test_a_message_others_need_stays() -> None:
    account = archiving(archive_days=30)
    old = archive(account, 1, when=NOW - timedelta(days=32))
    assert old is not None
    TicketMessage.objects.create(
        ticket=make_ticket(), kind="in", account=account, message=old.message, created_at=NOW
    )
    other = archive(archiving(), 2, when=NOW - timedelta(days=32))
    shared = archive(account, 2, when=NOW - timedelta(days=32))
    assert other is not None
    assert shared is not None
    assert delete_expired(at=NOW) == 2
    delete_expired(at=NOW + timedelta(hours=2))
    assert StoredMessage.objects.count() == 2
    assert has_blob(old.sha256)
    assert has_blob(shared.sha256)
    other.refresh_from_db()
    assert other.message is not None


def test_an_expired_message_does_not_come_back_by_being_added_again() -> None:
    account = archiving(archive_days=30)
    archive(account, 1, when=NOW - timedelta(days=32))
    delete_expired(at=NOW)
    entry = archive(account, 1, when=NOW - timedelta(days=32))
    assert entry is not None
    assert entry.message is None

    delete_expired(at=NOW + timedelta(hours=2))  # nor do its text and bytes stay behind
    assert not StoredMessage.objects.exists()
    assert not has_blob(entry.sha256)


def test_fresh_bytes_are_deleted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    old = archive(archiving(archive_days=30), 1, when=NOW - timedelta(days=32))
    assert old is not None
    monkeypatch.setattr("mailstore.blobs.FRESH", timedelta(minutes=30))
    delete_expired(at=NOW)
    delete_expired(at=NOW + timedelta(hours=2))
    assert has_blob(old.sha256)  # somebody may be storing them right now
    monkeypatch.setattr("mailstore.blobs.FRESH", timedelta(0))
    delete_expired(at=NOW + timedelta(hours=3))
    assert not has_blob(old.sha256)


@pytest.mark.parametrize(
    ("arrived", "days", "goes"),
    [
        ("2026-06-01T10:00", 30, "2026-07-01T22:00"),  # Berlin: 2 July, 0:00
        ("2026-05-31T22:00", 30, "2026-07-01T22:00"),  # the first minute of the same day there
        ("2026-05-31T21:59", 30, "2026-06-30T22:00"),  # the last of the day before
        ("2026-10-01T10:00", 30, "2026-10-31T23:00"),  # summer time ended in between
        ("2026-03-01T23:30", 30, "2026-04-01T22:00"),  # and began; 2 March, 0:30 there
        ("2026-10-25T00:30", 1, "2026-10-26T23:00"),  # in the doubled hour
        ("2024-02-29T12:00", 365, "2025-02-28T23:00"),
        ("2026-06-01T10:00", 1, "2026-06-02T22:00"),
    ],
)
def test_not_a_second_too_early_and_exactly_once(arrived: str, days: int, goes: str) -> None:
    entry = archive(archiving(archive_days=days), 1, when=utc(arrived))
    assert entry is not None
    assert delete_expired(at=utc(goes) - timedelta(seconds=1)) == 0
    assert expiry.last_day(utc(arrived), days) < timezone.localdate(utc(goes))
    assert delete_expired(at=utc(goes)) == 1
    assert delete_expired(at=utc(goes) + timedelta(days=1)) == 0
    entry.refresh_from_db()
    assert (entry.deleted_at, entry.deleted_after) == (utc(goes), days)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_run_that_breaks_off_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    account = archiving(archive_days=30)
    for number in range(5):
        archive(account, number, when=NOW - timedelta(days=32))
    real, calls = expiry._delete_message, iter(range(5))

    def break_off(message_id: int) -> bool:
        if next(calls) == 3:
            raise RuntimeError("power cut")
        return real(message_id)

    with monkeypatch.context() as patch:
        patch.setattr(expiry, "_delete_message", break_off)
        with pytest.raises(RuntimeError):
            delete_expired(at=NOW)
    # Neither the entry nor the message it was at is half gone.
    assert ArchiveEntry.objects.filter(message__isnull=True).count() == 3
    assert StoredMessage.objects.count() == 2
    assert delete_expired(at=NOW) == 2

    def break_off_bytes(sha256: str) -> bool:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(expiry, "delete_stale_blob", break_off_bytes)
        with pytest.raises(RuntimeError):
            delete_expired(at=NOW + timedelta(hours=2))
    delete_expired(at=NOW + timedelta(hours=2))
    assert not any(has_blob(entry.sha256) for entry in ArchiveEntry.objects.all())


@pytest.mark.parametrize("setting", [{"archive_days": 365}, {"archive_enabled": False}])
def test_more_days_or_an_end_of_archiving_stop_a_run_under_way(
    monkeypatch: pytest.MonkeyPatch, setting: dict[str, int]
) -> None:
    account = archiving(archive_days=30)
    for number in range(4):
        archive(account, number, when=NOW - timedelta(days=32))
    real = expiry._delete_message

    def change_the_setting(message_id: int) -> bool:
        MailAccount.objects.filter(pk=account.pk).update(**setting)
        return real(message_id)

    monkeypatch.setattr(expiry, "_GROUP", 2)
    monkeypatch.setattr(expiry, "_delete_message", change_the_setting)
    assert delete_expired(at=NOW) == 2


def test_a_run_beside_another_deletes_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    account = archiving(archive_days=30)
    for number in range(3):
        archive(account, number, when=NOW - timedelta(days=32))
    real = expiry._bury
    others: list[int] = []

    def other_was_faster(entry_id: int, message_id: int | None, now: datetime, days: int) -> bool:
        if not others:
            others.append(0)
            others[0] = delete_expired(at=now)
        return real(entry_id, message_id, now, days)

    monkeypatch.setattr(expiry, "_bury", other_was_faster)
    assert delete_expired(at=NOW) == 0
    assert others == [3]


@pytest.mark.django_db(transaction=True)
def test_a_deleted_message_stays_on_the_server_and_is_not_fetched_again(
    dovecot: Dovecot, mailbox: str, tmp_path: Path
) -> None:
    """Not by the next poll, nor moved back, nor after renumbering, nor from a file."""
    account = make_polled_account(
        dovecot, mailbox, tickets_enabled=False, archive_enabled=True, archive_days=30
    )
    MailFolder.objects.create(account=account, name="Ablage")
    dovecot.append(mailbox, "Ablage", [])
    deliver_at(dovecot, mailbox, make_mail(1), NOW - timedelta(days=32), "Ablage")
    poll_account(account.pk)
    assert delete_expired(at=NOW) == 1
    for number in (1, 2):  # a copy moved into the folder later is the same mail
        poll_account(account.pk)
        assert delete_expired(at=NOW + timedelta(hours=2)) == 0
        assert ArchiveEntry.objects.get().message is None
        assert not StoredMessage.objects.exists()
        if number == 1:
            deliver_at(dovecot, mailbox, make_mail(1), NOW, "Ablage")
    dovecot.renumber(mailbox, "Ablage")
    poll_account(account.pk)
    folder = write_mbox(tmp_path / "alt.mbox", [make_mail(1)])
    call_command("import_mbox", str(folder), account.email, "--archive-only")
    delete_expired(at=NOW + timedelta(hours=4))
    assert ArchiveEntry.objects.get().message is None
    assert not StoredMessage.objects.exists()
    assert len(dovecot.messages(mailbox, "Ablage")) == 2


def test_what_a_document_or_the_outbox_sends_stays() -> None:
    outgoing = queue(archiving(archive_days=30))
    entry = add(
        account=outgoing.account,
        message=outgoing.message,
        direction=StoredMessage.Direction.OUTGOING,
        mail_date=NOW - timedelta(days=32),
    )
    assert entry is not None
    assert delete_expired(at=NOW) == 1
    delete_expired(at=NOW + timedelta(hours=2))
    assert has_blob(outgoing.message.sha256)
    assert StoredMessage.objects.filter(pk=outgoing.message_id).exists()


def test_the_original_attached_to_a_document_or_set_aside_elsewhere_stays() -> None:
    """The bytes of a mail are in the store once, whoever needs them."""
    account = archiving(archive_days=30)
    attached, waiting, gone = (archive(account, n, when=NOW - timedelta(days=32)) for n in range(3))
    assert attached is not None
    assert waiting is not None
    assert gone is not None
    make_document().files.create(
        name="Anfrage.eml", content_type="message/rfc822", sha256=attached.sha256, size=1
    )
    other = make_account("zweiter@firma.example")
    IntakeItem.objects.create(
        account=other,
        folder=other.folders.create(name="INBOX"),
        uidvalidity=1,
        uid=1,
        state=IntakeItem.State.QUARANTINED,
        internal_date=NOW,
        blob=waiting.sha256,
        attempts=3,
    )
    assert delete_expired(at=NOW) == 3
    delete_expired(at=NOW + timedelta(hours=2))
    assert [has_blob(one.sha256) for one in (attached, waiting, gone)] == [True, True, False]


def test_the_account_page_tells_of_the_legal_periods() -> None:
    client = Client()
    client.force_login(make_user(role="admin"))
    page = client.get(reverse("mailaccounts:edit", args=[archiving().pk])).content.decode()
    assert "gesetzlichen Aufbewahrungsfristen" in page
    assert "0 oder leer = nie" in page
