"""Which ticket a mail joins: our signed ids, stored ids, the number in the subject (rules 1, 2 and 4)."""

from __future__ import annotations

from typing import Any

import pytest

from company.models import Address, ContactPerson
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from tests.factories import make_ticket
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import (
    CUSTOMER,
    as_incoming,
    hints,
    make_ticket_account,
    send_from,
    take,
    ticket_of,
)
from tickets.incoming import Received
from tickets.models import Ticket, TicketMessage
from tickets.receive import receive_group

pytestmark = pytest.mark.django_db


# Rule 1


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_an_answer_to_our_signed_id_joins_whoever_writes(header: str) -> None:
    account = make_ticket_account()
    ticket = make_ticket(account=account)
    own = send_from(ticket, account)
    value = f"<{own}>" if header == "In_Reply_To" else f"<a@x.example> <{own}> <b@x.example>"
    headers: dict[str, Any] = {header: value}
    received = take(account, sender="kollege@anders.example", **headers)
    assert (received.ticket, received.is_new) == (ticket, False)


def test_a_forged_id_of_ours_gets_nobody_in() -> None:
    account = make_ticket_account()
    own = send_from(make_ticket(account=account), account)
    forged = own.replace(own.split(".")[1][:4], "0000", 1)
    assert take(account, In_Reply_To=f"<{forged}>").is_new


def test_our_own_mail_coming_back_makes_no_ticket() -> None:
    account = make_ticket_account()
    own = new_message_id("firma.example", keys=message_id_keys(), token="o-x")
    assert take(account, Message_ID=f"<{own}>", sender=CUSTOMER) == Received(None, None, False)


# Rule 2


def test_an_answer_among_customers_joins_by_stored_ids() -> None:
    account = make_ticket_account()
    first = take(account, Message_ID="<erste@huber.example>")
    second = take(
        account,
        sender="karl@huber.example",
        In_Reply_To="<erste@huber.example>",
        subject="ganz anders",
    )
    assert (second.ticket, second.is_new) == (first.ticket, False)


def test_in_reply_to_counts_before_references_and_those_from_the_right() -> None:
    account = make_ticket_account()
    tickets = [
        ticket_of(take(account, Message_ID=f"<{name}@huber.example>")) for name in ("a", "b", "c")
    ]
    joined = take(
        account, In_Reply_To="<b@huber.example>", References="<a@huber.example> <c@huber.example>"
    )
    assert joined.ticket == tickets[1]
    joined = take(account, References="<a@huber.example> <c@huber.example> <fremd@x.example>")
    assert joined.ticket == tickets[2]


def test_mails_in_the_wrong_order_still_meet() -> None:
    account = make_ticket_account()
    answer = take(account, In_Reply_To="<zuerst@huber.example>")
    other = take(account, References="<zuerst@huber.example>")
    original = take(account, Message_ID="<zuerst@huber.example>")
    assert answer.is_new
    assert answer.ticket == other.ticket == original.ticket


def test_mails_of_one_group_meet_as_well() -> None:
    account = make_ticket_account()
    raws = [
        make_mail(1, Message_ID="<1@huber.example>"),
        make_mail(2, In_Reply_To="<1@huber.example>"),
        make_mail(3, References="<1@huber.example> <4@huber.example>", text="anders"),
        make_mail(5),
    ]
    results = receive_group([as_incoming(account, raw) for raw in raws])
    assert [result.is_new for result in results] == [True, False, False, True]
    assert Ticket.objects.count() == 2
    assert ticket_of(results[0]).messages.count() == 3


def test_ids_of_other_accounts_do_not_count() -> None:
    take(make_ticket_account(), Message_ID="<1@huber.example>")
    other = make_ticket_account("vertrieb@firma.example")
    assert take(other, In_Reply_To="<1@huber.example>").is_new


def test_one_id_for_all_mails_of_a_program_is_no_thread() -> None:
    account = make_ticket_account()
    first = take(account, Message_ID="<immer@shop.example>", subject="Bestellung 1")
    second = take(account, Message_ID="<immer@shop.example>", subject="Bestellung 2")
    assert first.ticket != second.ticket


def test_a_copy_by_another_way_is_shown_once() -> None:
    account = make_ticket_account()
    raw = make_mail()
    first = take(account, b"Delivered-To: info@firma.example\n" + raw)
    second = take(account, b"Delivered-To: alias@firma.example\n" + raw)
    assert (second.ticket, second.is_new) == (first.ticket, False)
    assert TicketMessage.objects.count() == 1


# Rule 4


@pytest.mark.parametrize("hook", ["[Ticket#{}] Frage", "Frage zu Ticket #{}", "Frage #{}"])
def test_the_number_in_the_subject_counts_from_a_participant(hook: str) -> None:
    account = make_ticket_account()
    first = take(account)
    subject = hook.format(ticket_of(first).number)
    assert take(account, subject=subject).ticket == first.ticket


def test_the_number_from_a_stranger_is_a_hint_only() -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account))
    stranger = take(
        account, sender="eva@fremd.example", subject=f"Re: [Ticket#{ticket.number}] Anfrage"
    )
    assert stranger.is_new
    assert f"Möglicherweise Antwort auf Ticket #{ticket.number}." in hints(ticket_of(stranger))
    assert len(hints(ticket)) == 1


def test_the_number_from_a_colleague_of_the_same_address() -> None:
    account = make_ticket_account()
    address = Address.objects.create(number="10001", name="Huber", email="info@huber.example")
    ContactPerson.objects.create(address=address, name="Eva", email="eva@anders.example")
    ticket = ticket_of(take(account))
    assert ticket.address == address, "not matched by domain"
    subject = f"Ticket #{ticket.number}"
    assert take(account, sender="eva@anders.example", subject=subject).ticket == ticket


def test_a_number_that_does_not_exist_is_nothing() -> None:
    received = take(make_ticket_account(), subject="Rechnung #4711")
    assert received.is_new
    assert hints(ticket_of(received)) == []
