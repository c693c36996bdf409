"""Contact forms write as us: whoever filled one in is the customer and stays out of others' tickets."""

from __future__ import annotations

import pytest

from mailaccounts.models import AllowedSender
from tests.factories import make_account
from tests.tickets.incoming import hints, make_ticket_account, take, ticket_of
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
FORM = "Webseite <formular@firma.example>"


@pytest.mark.parametrize("allowed", ["formular@firma.example", "@firma.example"])
def test_the_customer_is_whoever_filled_it_in(allowed: str) -> None:
    account = make_ticket_account()
    AllowedSender.objects.create(account=account, pattern=allowed)
    ticket = ticket_of(take(account, sender=FORM, Reply_To="eva@maier.example"))
    assert ticket.customer_email == "eva@maier.example"


@pytest.mark.parametrize("allowed", ["formular@firma.example", "@firma.example"])
def test_a_number_typed_into_a_form_opens_nobody_else_s_ticket(allowed: str) -> None:
    account = make_ticket_account()
    AllowedSender.objects.create(account=account, pattern=allowed)
    ticket = ticket_of(take(account, sender=FORM, Reply_To="eva@maier.example"))
    subject = f"Frage zu #{ticket.number}"
    other = take(account, sender=FORM, Reply_To="hans@huber.example", subject=subject)
    assert other.is_new
    assert f"Möglicherweise Antwort auf Ticket #{ticket.number}." in hints(ticket_of(other))
    again = take(account, sender=FORM, Reply_To="eva@maier.example", subject=subject)
    assert again.ticket == ticket


def test_a_colleague_who_writes_as_us_is_one_of_the_ticket() -> None:
    account = make_ticket_account()
    make_account("vertrieb@firma.example")
    ticket = ticket_of(take(account, Cc="vertrieb@firma.example"))
    joined = take(account, sender="vertrieb@firma.example", subject=f"Ticket #{ticket.number}")
    assert joined.ticket == ticket


def test_our_own_address_alone_is_nobody_in_a_ticket() -> None:
    """Every mail was written to it; a form without Reply-To writes as it."""
    account = make_ticket_account()
    ticket = ticket_of(take(account))
    subject = f"Ticket #{ticket.number}"
    assert take(account, sender="Webseite <info@firma.example>", subject=subject).is_new


def test_the_customer_is_one_of_the_ticket_whoever_wrote_first() -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account))
    Ticket.objects.filter(pk=ticket.pk).update(customer_email="Eva@maier.example")
    subject = f"Ticket #{ticket.number}"
    assert take(account, sender="eva@maier.example", subject=subject).ticket == ticket
