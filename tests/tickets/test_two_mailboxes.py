"""Mail to two of our mailboxes: what one knows of a conversation gives the other away nothing."""

from __future__ import annotations

import pytest

from tests.factories import make_employee
from tests.tickets.incoming import hints, make_ticket_account, take, ticket_of

pytestmark = pytest.mark.django_db


def test_a_mail_whose_answer_lies_in_another_mailbox_begins_its_own_ticket() -> None:
    answer = take(make_ticket_account(), In_Reply_To="<zuerst@huber.example>")
    sales = make_ticket_account("vertrieb@firma.example")
    original = take(sales, Message_ID="<zuerst@huber.example>")
    assert original.is_new
    assert original.ticket != answer.ticket


def test_the_number_of_a_personal_mailbox_s_ticket_is_a_guess_elsewhere() -> None:
    personal = make_ticket_account("chef@firma.example")
    personal.employees.set([make_employee()])
    ticket = ticket_of(take(personal))
    other = take(make_ticket_account(), subject=f"Ticket #{ticket.number}")
    assert other.is_new
    assert hints(ticket_of(other)) == [f"Möglicherweise Antwort auf Ticket #{ticket.number}."]
