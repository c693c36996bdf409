"""Changing a ticket leaves a history in German."""

from __future__ import annotations

import pytest
from django.utils import timezone

from company.models import Address
from tests.factories import make_project, make_queue, make_ticket, make_user
from tickets.change import change
from tickets.models import Tag, Ticket, TicketEvent

pytestmark = pytest.mark.django_db


def history(ticket: Ticket) -> list[str]:
    return [event.text for event in ticket.events.order_by("pk")]


def test_every_change_is_a_line() -> None:
    petra = make_user("petra", first_name="Petra", last_name="Klein")
    ticket = make_ticket()
    address = Address.objects.create(number="10001", name="Huber GmbH")
    change(
        ticket=ticket,
        actor=petra,
        status="offen",
        assignee=petra,
        queue=make_queue("Vertrieb"),
        project=make_project("NORD", name="Nord"),
        address=address,
        priority=3,
        is_gdpr=True,
        is_personal=True,
        subject="Neu",
    )
    assert history(ticket) == [
        "Status neu → offen",
        "Verantwortlich – → Petra Klein",
        "Warteschlange – → Vertrieb",
        "Projekt – → NORD – Nord",
        "Adresse – → Huber GmbH",
        "Priorität normal → hoch",
        "DSGVO gesetzt",
        "persönlich gesetzt",
        "Betreff Lieferung unvollständig → Neu",
    ]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee, ticket.priority) == ("offen", petra, 3)
    assert set(ticket.events.values_list("actor", flat=True)) == {petra.pk}


def test_what_stays_the_same_is_no_change() -> None:
    petra = make_user()
    ticket = make_ticket(assignee=petra, status="offen")
    assert change(ticket=ticket, actor=petra, status="offen", assignee=petra, queue=None) == []
    assert not TicketEvent.objects.exists()


def test_a_done_ticket_waits_for_nobody_and_opens_again() -> None:
    ticket = make_ticket()
    change(ticket=ticket, actor=None, status="abgeschlossen")
    ticket.refresh_from_db()
    assert ticket.waiting_since is None
    assert ticket.closed_at is not None
    assert ticket.closed_at <= timezone.now()
    change(ticket=ticket, actor=None, status="offen")
    ticket.refresh_from_db()
    assert ticket.closed_at is None


def test_tags_are_taken_or_made_whatever_their_case() -> None:
    Tag.objects.create(name="Prio")
    ticket = make_ticket()
    change(ticket=ticket, actor=None, tags=["prio", " neu  dabei ", "", "Neu dabei"])
    assert {tag.name for tag in ticket.tags.all()} == {"Prio", "Neu dabei"}
    change(ticket=ticket, actor=None, tags=["PRIO"])
    assert [tag.name for tag in ticket.tags.all()] == ["Prio"]
    assert history(ticket)[-1] == "Schlagwort „Neu dabei“ entfernt"
    assert Tag.objects.count() == 2


def test_a_status_that_does_not_exist_changes_nothing() -> None:
    ticket = make_ticket()
    with pytest.raises(ValueError):
        change(ticket=ticket, actor=None, tags=["x"], status="quatsch")
    ticket.refresh_from_db()
    assert ticket.status == "neu"
    assert not ticket.events.exists()
    assert not ticket.tags.exists()
