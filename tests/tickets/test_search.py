"""The search field of the list."""

from __future__ import annotations

import pytest
from django.utils import timezone

from mailcore.messages import Mailbox
from tests.factories import make_account, make_mail, make_ticket, make_user
from tests.tickets.letters import letter
from tickets.add_note import add_note
from tickets.models import Ticket
from tickets.reply import ReplyContent, reply
from tickets.search import search_tickets

pytestmark = pytest.mark.django_db


@pytest.fixture
def huber() -> Ticket:
    account = make_account("support@firma.example")
    ticket = make_ticket(
        account=account, number="202611230042", status="offen", has_attachments=True
    )
    make_mail(
        ticket,
        letter(
            "Es fehlt der Dübel für die Straße",
            sender="Franz Müller <franz@mueller.example>",
            files=(("Lieferschein-77.pdf", "application/pdf", b"%PDF"),),
        ),
    )
    return ticket


@pytest.fixture(autouse=True)
def other(huber: Ticket) -> Ticket:
    return make_ticket(
        subject="Ganz anders", customer_name="Beispiel AG", customer_email="info@beispiel.example",
        status="warten_kd", number="202611239999",
    )  # fmt: skip


def found(text: str) -> list[str]:
    return sorted(search_tickets(Ticket.objects.all(), text).values_list("number", flat=True))


@pytest.mark.parametrize(
    "text",
    [
        "202611230042", "#202611230042", "unvollständig", "huber", "dübel", "DUBEL", "strasse",
        "dübel huber", "lieferschein", "von:müller", "von: müller", "VON:Müller",
        "von:franz@mueller.example", "von:huber",
        "betreff:lieferung", 'betreff:"lieferung unv"', "status:offen", "nr:202611230042",
        "hat:anhang", "von:huber status:off dübel", '"dübel für"',
    ],
)  # fmt: skip
def test_it_finds_the_ticket_alone(text: str) -> None:
    assert found(text) == ["202611230042"]


@pytest.mark.parametrize(
    "text",
    [
        "gibtsnicht",
        "von:nobody",
        "status:quatsch",
        "dübel beispiel",
        "hat:anhang betreff:anders",
        "%",
        "_",
    ],
)
def test_it_finds_nothing_where_a_term_is_missing(text: str) -> None:
    assert "202611230042" not in found(text)


def test_waiting_means_both_kinds() -> None:
    make_ticket(number="1", status="warten_e")
    assert found("status:warten") == ["1", "202611239999"]


def test_unknown_operators_are_words() -> None:
    ticket = make_ticket(number="2", subject="Fehler: http://x.example")
    assert found("http://x.example") == [ticket.number]
    assert found('"" von: ') == found("")


def test_notes_and_recipients_are_searched(huber: Ticket) -> None:
    user = make_user()
    add_note(ticket=huber, author=user, text="Rückruf am Freitag")
    assert found("freitag") == [huber.number]
    content = ReplyContent(
        sender_email="support@firma.example",
        to=(Mailbox("", "chef@mueller.example"),),
        text="Guten Tag",
    )
    reply(ticket=huber, author=user, content=content, once_key="einmal")
    assert found("an:chef@mueller.example") == [huber.number]
    assert timezone.now() > huber.created_at
