"""A mail that belongs to no ticket makes one: its values, customer and address, at few statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from company.models import Address
from tests.factories import make_project, make_queue
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import (
    as_incoming,
    make_ticket_account,
    take,
    ticket_of,
)
from tickets.incoming import Received
from tickets.models import Ticket, TicketMessage
from tickets.numbers import NumberBlock
from tickets.receive import receive_group

pytestmark = pytest.mark.django_db


def test_a_new_mail_is_a_new_ticket_with_everything_of_its_account() -> None:
    queue, project = make_queue(), make_project()
    account = make_ticket_account(queue=queue, project=project, allowed=("sales@firma.example",))
    received = take(account, subject="AW: Re: Angebot", to="Sales <sales@firma.example>")
    ticket = ticket_of(received)
    assert received.is_new
    assert (ticket.subject, ticket.status, ticket.queue, ticket.project) == (
        "Angebot",
        "neu",
        queue,
        project,
    )
    assert (ticket.customer_name, ticket.customer_email) == ("Hans Huber", "hans@huber.example")
    assert ticket.incoming_address == "sales@firma.example"
    assert ticket.waiting_since is not None
    assert ticket.preview.startswith("Guten Tag")
    assert ticket.number == f"{timezone.localdate():%Y%m%d}0001"
    assert list(ticket.events.values_list("kind", "text")) == [
        ("created", "Aus der E-Mail von hans@huber.example an sales@firma.example angelegt.")
    ]


def test_an_alias_the_account_may_not_use_is_no_sender() -> None:
    ticket = ticket_of(take(make_ticket_account(), to="fremd@anders.example"))
    assert ticket.incoming_address == "info@firma.example"


def test_receiving_again_changes_nothing() -> None:
    account = make_ticket_account()
    raw = make_mail()
    first, second = take(account, raw), take(account, raw)
    assert first.is_new
    assert not second.is_new
    assert second.ticket_message == first.ticket_message
    assert (Ticket.objects.count(), TicketMessage.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("values", "purpose"), [({"tickets_enabled": False}, "tickets"), ({}, "archive")]
)
def test_no_ticket_without_ticket_system_or_from_an_archive_folder(
    values: dict[str, Any], purpose: str
) -> None:
    mail = as_incoming(make_ticket_account(**values), make_mail(), purpose=purpose)
    assert receive_group([mail]) == [Received(None, None, False)]
    assert not Ticket.objects.exists()


# Customers


def test_the_customer_of_a_contact_form_is_its_reply_to() -> None:
    account = make_ticket_account()
    ticket = ticket_of(
        take(
            account,
            sender="Webseite <info@firma.example>",
            Reply_To="Eva Maier <Eva@Maier.example>",
        )
    )
    assert (ticket.customer_name, ticket.customer_email) == ("Eva Maier", "eva@maier.example")


def test_a_person_with_a_reply_to_stays_the_customer() -> None:
    ticket = ticket_of(take(make_ticket_account(), Reply_To="buchhaltung@huber.example"))
    assert ticket.customer_email == "hans@huber.example"


def test_a_name_that_is_another_address_names_nobody() -> None:
    sender = '"chefin@firma.example" <wer@boese.example>'
    ticket = ticket_of(take(make_ticket_account(), sender=sender))
    assert (ticket.customer_name, ticket.customer_email) == ("", "wer@boese.example")


def test_the_address_by_sender_then_reply_to_then_domain() -> None:
    account = make_ticket_account()
    by_domain = Address.objects.create(number="1", name="Huber", email="info@huber.example")
    assert ticket_of(take(account, sender="x@HUBER.example")).address == by_domain
    by_sender = Address.objects.create(number="2", name="Hans", email="Hans@Huber.example")
    assert ticket_of(take(account)).address == by_sender
    # Two addresses share the domain now: it says nothing any more.
    assert ticket_of(take(account, sender="neu@huber.example")).address is None
    by_reply = Address.objects.create(number="3", name="Eva", email="eva@maier.example")
    received = take(account, sender="neu@huber.example", Reply_To="eva@maier.example")
    assert ticket_of(received).address == by_reply


def test_a_freemail_domain_is_no_company() -> None:
    Address.objects.create(number="1", name="Zufall", email="zufall@gmx.de")
    assert ticket_of(take(make_ticket_account(), sender="anders@gmx.de")).address is None


def test_a_group_costs_as_many_queries_as_one_mail(
    django_assert_max_num_queries: Any,
) -> None:
    account = make_ticket_account()
    mails = [as_incoming(account, make_mail(1000 + number)) for number in range(50)]
    block = NumberBlock()
    block.reserve(50)
    with django_assert_max_num_queries(20):
        receive_group(mails, numbers=block)
    assert Ticket.objects.count() == 50
    numbers = sorted(Ticket.objects.values_list("number", flat=True))
    assert numbers == [f"{timezone.localdate():%Y%m%d}{n:04d}" for n in range(1, 51)]
