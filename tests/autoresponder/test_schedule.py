"""When it answers and with which text, and the once-a-day ledger by the company's calendar."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from autoresponder.models import AnsweredToday, Autoresponder
from autoresponder.schedule import turn_at
from company.models import SettingsChange
from mailcore.parse import parse
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.autoresponder.test_limits import receive
from tests.autoresponder.test_respond import answering, ask
from tests.browser_forms import form_values
from tests.factories import make_account, make_user
from tests.intake.mailbox import make_mail

When = Autoresponder.When
OPEN, NOT_NOW = "während der Geschäftszeit", "außerhalb des Zeitraums"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The company is in Berlin: UTC+1 in winter, UTC+2 in summer.
@pytest.mark.parametrize(
    ("when", "moment", "expected"),
    [
        (When.ALWAYS, "2026-11-25T10:00", "Danke"),
        (When.OUTSIDE_HOURS, "2026-11-25T06:59", "Danke"),  # Wednesday 7:59
        (When.OUTSIDE_HOURS, "2026-11-25T07:00", OPEN),  # 8:00
        (When.OUTSIDE_HOURS, "2026-11-25T15:59", OPEN),  # 16:59
        (When.OUTSIDE_HOURS, "2026-11-25T16:00", "Danke"),  # 17:00
        (When.OUTSIDE_HOURS, "2026-07-15T06:00", OPEN),  # Wednesday 8:00 in summer
        (When.OUTSIDE_HOURS, "2026-07-15T15:00", "Danke"),  # 17:00
        (When.OUTSIDE_HOURS, "2026-11-28T10:00", "Danke"),  # Saturday
        (When.OUTSIDE_HOURS, "2026-12-23T22:59", "Danke"),  # the last minute before the period
        (When.OUTSIDE_HOURS, "2026-12-24T10:00", "Ferien"),  # Thursday 11:00: it counts all day
        (When.PERIOD, "2026-12-23T22:59", NOT_NOW),
        (When.PERIOD, "2026-12-23T23:00", "Ferien"),  # 24th, 0:00
        (When.PERIOD, "2027-01-03T22:59", "Ferien"),  # 3rd, 23:59
        (When.PERIOD, "2027-01-03T23:00", NOT_NOW),
        (When.ALWAYS, "2027-01-01T10:00", "Ferien"),
    ],
)
def test_the_moment_of_arrival_decides(when: str, moment: str, expected: str) -> None:
    settings = Autoresponder(
        subject="Ihre Anfrage",
        text="Danke",
        when=when,
        period_first=date(2026, 12, 24),
        period_last=date(2027, 1, 3),
        period_text="Ferien",
    )
    turn = turn_at(settings, utc(moment))
    assert expected in (turn.silent or turn.text)
    assert turn.silent or turn.subject == "Ihre Anfrage", "an empty one is as above"


@pytest.mark.django_db
def test_the_text_of_the_period_goes_out_and_outside_it_the_ticket_says_why() -> None:
    today = timezone.localdate()
    account = answering(
        when=When.PERIOD,
        period_first=today,
        period_last=today,
        period_subject="Betriebsferien {TICKET}",
        period_text="Wir sind zu. Zu „{BETREFF}“ melden wir uns.",
    )
    outgoing = ask(account, 1).outgoing
    assert outgoing is not None
    mail = parse(read_raw(outgoing.message))
    assert (mail.subject, mail.text.strip()) == (
        "Betriebsferien 202601010001",
        "Wir sind zu. Zu „Anfrage 1“ melden wir uns.",
    )
    Autoresponder.objects.update(period_first=date(2020, 1, 1), period_last=date(2020, 1, 2))
    response = ask(account, 2, sender="eva@huber.example")
    assert (response.outgoing, NOT_NOW in response.suppressed) == (None, True)
    assert AnsweredToday.objects.count() == 1, "what was not answered counts for nothing"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moments", "answers"),
    [
        (("2026-11-25T22:58", "2026-11-25T23:02"), [True, True]),  # 23:58 and 0:02
        (("2026-11-25T23:02", "2026-11-26T22:58"), [True, False]),  # one day by the clock there
        # the short day of March and the long one of October
        (("2026-03-28T23:30", "2026-03-29T21:30", "2026-03-29T22:30"), [True, False, True]),
        (("2026-10-24T22:30", "2026-10-25T22:30", "2026-10-25T23:30"), [True, False, True]),
    ],
)
def test_a_day_is_a_calendar_day_where_the_company_is(
    moments: tuple[str, ...], answers: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, found = answering(), []
    for number, moment in enumerate(moments):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: utc(moment))
        found.append(ask(account, number, received_at=utc(moment)).outgoing is not None)
    assert found == answers


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_answer_once() -> None:
    account = make_account("info@firma.example", tickets_enabled=True)
    Autoresponder.objects.create(account=account, is_active=True, subject="Danke", text="Danke")
    receive(account, make_mail(0, sender="eva@huber.example"))
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        try:
            barrier.wait(20)
            assert ask(account, number).suppressed in (
                "",
                "An diese Adresse ging heute schon eine.",
            )
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert OutgoingMessage.objects.filter(recipients__email="hans@huber.example").count() == 1


@pytest.mark.django_db
def test_the_account_page_keeps_the_schedule_and_refuses_nonsense(client: Client) -> None:
    client.force_login(make_user(role="admin"))
    account = make_account(tickets_enabled=False, imap_host="127.0.0.1")
    url = reverse("mailaccounts:edit", args=[account.pk])
    values = form_values(client.get(url), "@id='account-form'")
    assert values["autoresponder-office_days"] == ["1", "2", "3", "4", "5"]
    values |= {
        "autoresponder-is_active": ["on"],
        "autoresponder-subject": ["Danke"],
        "autoresponder-text": ["Danke"],
        "autoresponder-when": ["outside_hours"],
        "autoresponder-office_days": [],
        "autoresponder-office_opens": ["09:00"],
        "autoresponder-office_closes": ["08:00"],
        "autoresponder-period_first": ["2026-12-24"],
        "autoresponder-period_text": ["Nummer {TICKET}"],
    }
    refused = client.post(url, values)
    page = refused.content.decode()
    assert refused.status_code == 422
    for words in ("mindestens einen Tag", "Das liegt vor „Geöffnet von“", "den letzten Tag an"):
        assert words in page
    values |= {
        "autoresponder-office_days": ["5", "1"],
        "autoresponder-office_closes": ["12:30"],
        "autoresponder-period_last": ["2026-12-31"],
    }
    assert "{TICKET} geht hier nicht" in client.post(url, values).content.decode()
    values["autoresponder-period_text"] = ["Ferien"]
    assert client.post(url, values).status_code == 302
    kept = Autoresponder.objects.get()
    assert (kept.office_days, kept.office_opens, kept.office_closes) == (
        "15",
        time(9),
        time(12, 30),
    )
    assert (kept.period_first, kept.period_last) == (date(2026, 12, 24), date(2026, 12, 31))
    logged = {change.field: change.after for change in SettingsChange.objects.all()}
    assert logged["Autoresponder: Geschäftstage"] == "Mo, Fr"
    assert logged["Autoresponder: Geöffnet bis"] == "12:30"
    assert logged["Autoresponder: Erster Tag"] == "24.12.2026"
