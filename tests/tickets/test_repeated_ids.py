"""Message-IDs that come again, with the same mail or another one, and those that only a bounce names."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest
from django.utils import timezone

from tests.factories import make_ticket, make_user
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import as_incoming, make_ticket_account, take, ticket_of
from tests.tickets.test_bounces import DAEMON, report
from tickets.merge import merge
from tickets.models import TicketMessage
from tickets.receive import receive_group

pytestmark = pytest.mark.django_db
DATE = "Sun, 01 Mar 2026 10:00:00 +0000"


def order(**changes: str) -> bytes:
    """A mail of a program that gives every mail the same Message-ID."""
    values = {"Date": DATE, "To": "info@firma.example", "text": "Wie immer", "file": ""} | changes
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "shop@huber.example", "Bestellung"
    mail["To"], mail["Date"] = values["To"], values["Date"]
    mail["Message-ID"] = "<immer@huber.example>"
    mail.set_content(values["text"])
    if "html" in values:
        mail.add_alternative(values["html"], subtype="html")
    mail.add_attachment(values["file"].encode(), "text", "csv", filename="liste.csv")
    return mail.as_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"Date": "Sun, 01 Mar 2026 10:00:01 +0000"},
        {"text": "Diesmal anders"},
        {"file": "1;2"},
        {"html": "<p>Wie immer</p>"},
        {"To": "chef@firma.example"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_differs_is_another_mail(changes: dict[str, str]) -> None:
    account = make_ticket_account()
    first = take(account, order())
    second = take(account, order(**changes))
    assert second.is_new
    assert second.ticket != first.ticket
    third = take(account, b"Received: from a by b\n" + order(**changes))
    assert third.ticket == second.ticket
    assert TicketMessage.objects.count() == 2


@pytest.mark.parametrize("together", [True, False])
def test_what_a_stranger_s_bounce_names_binds_nobody(together: bool) -> None:
    account = make_ticket_account()
    raw = make_mail(500, sender=DAEMON, References="<x@huber.example>")
    bounce = replace(as_incoming(account, raw), bounce=report("failed", "x@huber.example"))
    later = [
        as_incoming(account, make_mail(number, **headers))
        for number, headers in enumerate(
            ({"Message_ID": "<x@huber.example>"}, {"In_Reply_To": "<x@huber.example>"}), 501
        )
    ]
    groups = [[bounce, *later]] if together else [[bounce], later]
    results = [result for group in groups for result in receive_group(group)]
    assert [result.is_new for result in results] == [True, True, False]
    assert results[1].ticket == results[2].ticket != results[0].ticket


def test_the_number_of_a_merged_ticket_leads_to_its_target() -> None:
    account = make_ticket_account()
    target = make_ticket(account=account, now=timezone.now())
    ticket = ticket_of(take(account))
    number = ticket.number
    merge(ticket=ticket, into=target, actor=make_user("petra"))
    assert take(account, subject=f"Nachtrag zu Ticket #{number}").ticket == target
