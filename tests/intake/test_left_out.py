"""What is noted and not fetched: before „Ab Datum“, too large; and how it is fetched after all."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone
from pytest_django import Settings

from archive.models import ArchiveEntry
from intake.models import IntakeItem
from intake.poll import poll_account
from intake.set_aside import ignore, retry
from mailstore.blobs import get_blob
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account, states_of
from tests.servers.dovecot import Dovecot

State = IntakeItem.State
pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def test_since_date_excludes_and_an_earlier_date_fetches_later(
    dovecot: Dovecot, mailbox: str
) -> None:
    account = make_polled_account(
        dovecot, mailbox, since_date=date(2026, 5, 2), archive_enabled=True
    )
    berlin = timezone.get_default_timezone()
    deliver_at(dovecot, mailbox, make_mail(1), datetime(2026, 5, 1, 23, 59, tzinfo=berlin))
    deliver_at(dovecot, mailbox, make_mail(2), datetime(2026, 5, 2, 0, 1, tzinfo=berlin))

    summary = poll_account(account.pk)

    assert (summary.counts.excluded, summary.counts.tickets) == (1, 1)
    assert states_of(account.pk) == [State.EXCLUDED, State.DONE]
    assert [entry.message.subject for entry in ArchiveEntry.objects.all() if entry.message] == [
        "Anfrage 2"
    ]
    account.since_date = date(2026, 5, 1)
    account.save()
    assert poll_account(account.pk).counts.tickets == 1
    assert states_of(account.pk) == [State.DONE, State.DONE]


def test_too_large_is_noted_with_its_header_and_fetched_on_demand(
    dovecot: Dovecot, mailbox: str, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 10_000
    account = make_polled_account(dovecot, mailbox)
    dovecot.append(mailbox, "INBOX", [make_mail(text="x" * 70 + "\n" * 20_000), make_mail(2)])
    summary = poll_account(account.pk)
    assert (summary.counts.too_large, summary.counts.tickets) == (1, 1)
    item = IntakeItem.objects.get(state=State.TOO_LARGE)
    assert b"Subject: Anfrage 1" in get_blob(item.blob)
    assert retry(item)
    assert poll_account(account.pk).counts.tickets == 1
    item.refresh_from_db()
    assert item.state == State.DONE


def test_an_earlier_date_does_not_fetch_what_is_too_large(
    dovecot: Dovecot, mailbox: str, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 10_000
    account = make_polled_account(dovecot, mailbox, since_date=date(2026, 5, 2))
    old = datetime(2026, 4, 1, tzinfo=UTC)
    deliver_at(dovecot, mailbox, make_mail(1, text="x" * 70 + "\n" * 20_000), old)
    deliver_at(dovecot, mailbox, make_mail(2), old)
    assert poll_account(account.pk).counts.excluded == 2
    account.since_date = None
    account.save()
    summary = poll_account(account.pk)
    assert (summary.counts.too_large, summary.counts.tickets) == (1, 1)
    item = IntakeItem.objects.get(state=State.TOO_LARGE)
    assert b"Subject: Anfrage 1" in get_blob(item.blob)


def test_one_mail_before_the_date_is_fetched_on_demand(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, since_date=date(2026, 5, 2))
    for number in (1, 2):
        deliver_at(dovecot, mailbox, make_mail(number), datetime(2026, 4, 1, tzinfo=UTC))
    poll_account(account.pk)
    first, second = IntakeItem.objects.order_by("uid")
    assert ignore(first)
    assert retry(second)
    assert poll_account(account.pk).counts.tickets == 1
    assert states_of(account.pk) == [State.IGNORED, State.DONE]
    first.refresh_from_db()
    assert retry(first), "ignoring can be taken back"
    assert poll_account(account.pk).counts.tickets == 1
