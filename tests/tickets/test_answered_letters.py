"""What customers answer to letters and document mail of ours: a ticket that begins with our mail."""

from __future__ import annotations

from typing import Any

import pytest

from company.models import Notification
from mailaccounts.models import MailAccount
from outbox.models import OutgoingMessage
from tests.factories import make_address, make_employee, make_user
from tests.outbox.outgoing import queue
from tests.tickets.incoming import hints, make_ticket_account, take, ticket_of
from tickets.models import Ticket, TicketMessage

pytestmark = pytest.mark.django_db


def send_letter(account: MailAccount, **values: Any) -> OutgoingMessage:
    outgoing = queue(account, "einkauf@woanders.example", **{"origin": "letter", **values})
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(state="sent", sent_at=outgoing.created_at)
    return OutgoingMessage.objects.get(pk=outgoing.pk)


def answer(letter: OutgoingMessage, account: MailAccount, **headers: Any) -> Ticket:
    headers.setdefault("sender", "Eva Roth <eva@privat.example>")
    return ticket_of(take(account, In_Reply_To=f"<{letter.message.message_id}>", **headers))


@pytest.mark.parametrize("origin", ["letter", "document"])
def test_the_answer_becomes_a_ticket_of_the_address_below_our_mail(origin: str) -> None:
    account, address, petra = make_ticket_account(), make_address(), make_user("petra")
    letter = send_letter(account, origin=origin, address=address, created_by=petra)
    ticket = answer(letter, account, subject="AW: Ihr Anliegen")
    assert ticket.address == address, "whoever answers from whichever mailbox"
    first, second = ticket.messages.order_by("created_at", "pk")
    assert (first.kind, first.outgoing, first.author) == ("out", letter, petra)
    assert second.kind == TicketMessage.Kind.INCOMING
    (hint,) = hints(ticket)
    assert hint.startswith(f"Antwort auf unsere E-Mail „{letter.message.subject}“ vom ")
    told = Notification.objects.get(user=petra)
    assert told.url == f"/tickets/{ticket.number}/"
    assert "Eva Roth" in told.text


def test_a_second_answer_joins_the_ticket_of_the_first() -> None:
    account = make_ticket_account()
    letter = send_letter(account)
    first = answer(letter, account)
    assert answer(letter, account, sender="Ina Wolf <ina@woanders.example>") == first
    assert first.messages.count() == 3


def test_what_went_out_from_a_personal_account_is_shown_in_no_common_ticket() -> None:
    owner = make_user("max")
    personal = make_ticket_account("max@firma.example", employees=(make_employee(user=owner),))
    address = make_address()
    letter = send_letter(personal, address=address, created_by=owner)
    shared = answer(letter, make_ticket_account())
    assert [one.kind for one in shared.messages.all()] == ["in"]
    assert shared.address is None
    own = answer(letter, personal)
    assert [one.kind for one in own.messages.order_by("created_at")] == ["out", "in"]
    assert own.address == address


def test_a_guessed_message_id_opens_nothing() -> None:
    account = make_ticket_account()
    letter = send_letter(account, address=make_address())
    OutgoingMessage.objects.update(origin="test")
    ticket = answer(letter, account)
    assert [one.kind for one in ticket.messages.all()] == ["in"]
    assert ticket.address is None
