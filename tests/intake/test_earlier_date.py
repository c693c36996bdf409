"""„Ab Datum“ set earlier on the account page: the count first, then the mail that was skipped."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from autoresponder.models import Autoresponder
from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from mailaccounts.models import MailAccount, MailFolder
from outbox.models import OutgoingMessage
from tests.browser_forms import form_values
from tests.factories import make_account, make_user
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket

FORM = "@id='account-form'"


@pytest.fixture(autouse=True)
def admin(client: Client, request: pytest.FixtureRequest) -> None:
    name = "transactional_db" if "dovecot" in request.fixturenames else "db"
    request.getfixturevalue(name)
    client.force_login(make_user(role="admin"))


def save(client: Client, account: MailAccount, **changes: list[str]) -> Any:
    page = f"/accounts/{account.pk}/"
    return client.post(page, form_values(client.get(page), FORM) | changes)


def excluded(account: MailAccount, *days: int, **values: Any) -> None:
    folder, _ = MailFolder.objects.get_or_create(account=account, name="INBOX")
    FolderCursor.objects.get_or_create(folder=folder, defaults={"uidvalidity": 7})
    for day in days:
        IntakeItem.objects.create(
            **{
                "account": account,
                "folder": folder,
                "uidvalidity": 7,
                "uid": IntakeItem.objects.count() + 1,
                "state": IntakeItem.State.EXCLUDED,
                "internal_date": datetime(2026, 5, day, 12, tzinfo=UTC),
                **values,
            }
        )


def test_the_count_is_shown_before_anything_is_saved(client: Client) -> None:
    account = make_account(since_date=date(2026, 5, 20), imap_host="imap.firma.example")
    excluded(account, 1, 10, 11)
    excluded(account, 12, uidvalidity=6)  # not there under this number any more
    excluded(make_account(), 10)

    response = save(client, account, **{"ticket-since_date": ["2026-05-09"]})

    assert response.status_code == 422
    page = response.content.decode()
    assert "2 ältere E-Mails werden nachgeholt." in page
    assert "Bitte bestätigen Sie das" in page
    account.refresh_from_db()
    assert account.since_date == date(2026, 5, 20)

    confirmed = {"ticket-since_date": [""], "ticket-backlog_confirmed": ["on"]}
    response = save(client, account, **confirmed)
    assert response.status_code == 302
    account.refresh_from_db()
    assert account.since_date is None


def test_a_date_that_fetches_nothing_needs_no_word(client: Client) -> None:
    account = make_account(since_date=date(2026, 5, 20), imap_host="imap.firma.example")
    excluded(account, 1)
    for day in ("2026-05-25", "2026-05-02", "2026-05-20"):
        assert save(client, account, **{"ticket-since_date": [day]}).status_code == 302
    assert "nachgeholt" not in client.get(f"/accounts/{account.pk}/").content.decode()


@pytest.mark.dovecot
def test_once_confirmed_they_become_tickets_without_an_answer(
    client: Client, dovecot: Dovecot, mailbox: str
) -> None:
    account = make_polled_account(dovecot, mailbox, since_date=date(2026, 5, 20))
    Autoresponder.objects.create(account=account, is_active=True, subject="Danke", text="Danke")
    for day in (1, 10, 11):
        deliver_at(dovecot, mailbox, make_mail(day), datetime(2026, 5, day, 12, tzinfo=UTC))
    assert poll_account(account.pk).counts.excluded == 3
    changes = {"ticket-since_date": ["2026-05-09"], "ticket-backlog_confirmed": ["on"]}
    assert save(client, account, **changes).status_code == 302
    assert poll_account(account.pk).counts.tickets == 2
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["Anfrage 10", "Anfrage 11"]
    assert not OutgoingMessage.objects.exists()
