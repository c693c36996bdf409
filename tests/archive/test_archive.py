from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from archive.add import add
from archive.delete_expired import delete_expired
from archive.models import ArchiveEntry
from mailaccounts.models import MailAccount
from mailstore.blobs import has_blob
from mailstore.models import StoredMessage
from mailstore.store import store_message
from tests.factories import make_account, make_ticket
from tests.intake.mailbox import make_mail
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


def test_what_has_expired_is_a_tombstone_and_its_bytes_go_an_hour_later() -> None:
    account = archiving(archive_days=30)
    old = archive(account, 1, when=NOW - timedelta(days=31))
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
    old = archive(archiving(archive_days=30), 1, when=NOW - timedelta(days=31))
    assert old is not None
    delete_expired(at=NOW)
    store_message(make_mail(1), direction=INCOMING, received_at=NOW)
    delete_expired(at=NOW + timedelta(hours=2))
    assert has_blob(old.sha256)


def test_a_message_others_need_stays() -> None:
    account = archiving(archive_days=30)
    old = archive(account, 1, when=NOW - timedelta(days=31))
    assert old is not None
    TicketMessage.objects.create(
        ticket=make_ticket(), kind="in", account=account, message=old.message, created_at=NOW
    )
    other = archive(archiving(), 2, when=NOW - timedelta(days=31))
    shared = archive(account, 2, when=NOW - timedelta(days=31))
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
    archive(account, 1, when=NOW - timedelta(days=31))
    delete_expired(at=NOW)
    entry = archive(account, 1, when=NOW - timedelta(days=31))
    assert entry is not None
    assert entry.message is None
