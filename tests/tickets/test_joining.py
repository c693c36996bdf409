"""What a mail does to the ticket it joins: merged, closed, waiting, two mailboxes, personal (rules 5, 6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from company.models import Queue
from mailaccounts.models import MailAccount
from tests.factories import make_employee, make_queue, make_ticket
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import (
    as_incoming,
    hints,
    make_ticket_account,
    send_from,
    take,
    ticket_of,
)
from tickets.models import Ticket, TicketEvent
from tickets.receive import receive_group

pytestmark = pytest.mark.django_db


# Rule 5


def test_mail_to_a_merged_ticket_goes_to_its_target() -> None:
    account = make_ticket_account()
    first = ticket_of(take(account, Message_ID="<1@huber.example>"))
    middle, target = make_ticket(account=account), make_ticket(account=account)
    Ticket.objects.filter(pk=middle.pk).update(merged_into=target)
    Ticket.objects.filter(pk=first.pk).update(merged_into=middle)
    assert take(account, In_Reply_To="<1@huber.example>").ticket == target


def closed_ticket(account: MailAccount, queue: Queue | None = None) -> Ticket:
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>"))
    Ticket.objects.filter(pk=ticket.pk).update(
        status="abgeschlossen", queue=queue, closed_at=timezone.now(), waiting_since=None
    )
    return ticket


def test_an_answer_opens_a_closed_ticket_and_says_so() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account)
    assert take(account, In_Reply_To="<1@huber.example>").ticket == ticket
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at) == ("offen", None)
    assert ticket.waiting_since is not None
    changed = TicketEvent.objects.get(ticket=ticket, kind="changed")
    assert changed.text == "Status abgeschlossen → offen: neue E-Mail von hans@huber.example"


def test_the_queue_may_want_a_new_linked_ticket() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account, make_queue(answer_to_closed=Queue.AnswerToClosed.NEW))
    received = take(account, In_Reply_To="<1@huber.example>")
    assert received.is_new
    assert hints(ticket_of(received)) == [
        f"Antwort auf das abgeschlossene Ticket #{ticket.number}."
    ]
    assert len(hints(ticket)) == 1
    ticket.refresh_from_db()
    assert ticket.status == "abgeschlossen"


def test_an_absence_notice_joins_and_opens_nothing() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account, make_queue(answer_to_closed=Queue.AnswerToClosed.NEW))
    received = take(account, In_Reply_To="<1@huber.example>", Auto_Submitted="auto-replied")
    assert received.ticket == ticket
    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)


@pytest.mark.parametrize(
    ("before", "after"), [("warten_kd", "offen"), ("warten_e", "warten_e"), ("neu", "neu")]
)
def test_an_answer_ends_the_wait_for_the_customer_only(before: str, after: str) -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>"))
    Ticket.objects.filter(pk=ticket.pk).update(status=before)
    take(account, In_Reply_To="<1@huber.example>")
    ticket.refresh_from_db()
    assert ticket.status == after


def test_an_older_mail_that_comes_late_is_not_the_newest() -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>", text="die neue"))
    raw = make_mail(99, In_Reply_To="<1@huber.example>", text="die alte")
    receive_group([as_incoming(account, raw, at=timezone.now() - timedelta(days=2))])
    ticket.refresh_from_db()
    assert ticket.preview == "die neue"
    assert ticket.messages.count() == 2


# Rule 6 and personal accounts


def test_one_mail_to_two_mailboxes_is_two_tickets_that_know_each_other() -> None:
    info, sales = make_ticket_account(), make_ticket_account("vertrieb@firma.example")
    raw = make_mail(to="info@firma.example, vertrieb@firma.example")
    first = ticket_of(take(info, b"Delivered-To: info@firma.example\n" + raw))
    second = ticket_of(take(sales, b"Delivered-To: vertrieb@firma.example\n" + raw))
    assert first != second
    assert hints(first) == [f"Dieselbe E-Mail steht auch in Ticket #{second.number}."]
    assert hints(second) == [f"Dieselbe E-Mail steht auch in Ticket #{first.number}."]


def test_an_answer_that_reaches_two_mailboxes_is_shown_once() -> None:
    info, sales = make_ticket_account(), make_ticket_account("vertrieb@firma.example")
    ticket = make_ticket(account=info)
    raw = make_mail(In_Reply_To=f"<{send_from(ticket, info)}>")
    assert take(info, b"Delivered-To: info@firma.example\n" + raw).ticket == ticket
    second = take(sales, b"Delivered-To: vertrieb@firma.example\n" + raw)
    assert (second.ticket, second.is_new) == (ticket, False)
    assert ticket.messages.filter(kind="in").count() == 1
    assert hints(ticket) == ["Dieselbe E-Mail kam auch an vertrieb@firma.example an."]


@pytest.mark.parametrize("is_personal", ["ticket", "mail"])
def test_mail_never_crosses_the_border_of_a_personal_account(is_personal: str) -> None:
    shared, personal = (
        make_ticket_account(),
        make_ticket_account("petra@firma.example", employees=(make_employee(),)),
    )
    of_ticket, of_mail = (personal, shared) if is_personal == "ticket" else (shared, personal)
    ticket = make_ticket(account=of_ticket)
    received = take(of_mail, In_Reply_To=f"<{send_from(ticket, of_ticket)}>")
    assert received.is_new
    assert ticket_of(received).account == of_mail
    assert hints(ticket_of(received)) == [f"Antwort auf Ticket #{ticket.number}."]
