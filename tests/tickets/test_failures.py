"""Answers that did not arrive: told once, the ticket open again; dead addresses marked and freed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from company.models import BouncedEmail, Notification, User
from outbox.mark_bounced import is_dead, mark_bounced
from outbox.models import Attempt, OutgoingMessage, Recipient
from outbox.retry import retry
from tests.factories import make_address, make_ticket, make_user
from tests.tickets.incoming import make_ticket_account
from tests.tickets.test_bounces import report, sent_message, take_report
from tickets.models import Ticket, TicketEvent
from tickets.note_failures import note_failures

pytestmark = pytest.mark.django_db


@pytest.fixture
def petra() -> User:
    return make_user("petra")


def answered(petra: User, **values: object) -> tuple[Ticket, OutgoingMessage]:
    """A ticket with an answer of Petra's."""
    status = values.pop("status", "abgeschlossen")
    ticket = make_ticket(account=make_ticket_account(), status=status, waiting_since=None, **values)
    outgoing = sent_message(ticket)
    ticket.messages.filter(outgoing=outgoing).update(author=petra, kind="out")
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(origin="ticket")
    return ticket, outgoing


def becomes(outgoing: OutgoingMessage, state: str, reply: str = "550 5.1.1 no such user") -> None:
    """The outbox's verdict after a try."""
    Attempt.objects.create(outgoing=outgoing, started_at=timezone.now(), server="mx")
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(
        state=state, error_kind="recipient_refused" if state == "failed" else "", last_reply=reply
    )
    if state in ("failed", "bounced"):
        outgoing.recipients.update(
            state="refused" if state == "failed" else "bounced", code=550, reply=reply
        )


@pytest.mark.parametrize("state", ["failed", "bounced", "uncertain"])
def test_a_failure_reopens_and_tells_once(state: str, petra: User) -> None:
    ticket, outgoing = answered(petra)
    assert note_failures() == 0
    becomes(outgoing, state)
    assert note_failures() == 1
    assert note_failures() == 0
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at) == ("offen", None)
    assert ticket.waiting_since is not None
    told = TicketEvent.objects.get(ticket=ticket, kind="delivery").text
    assert "hans@huber.example" in told
    assert ("unklar" in told) is (state == "uncertain")
    assert ("no such user" in told) is (state != "uncertain")
    assert TicketEvent.objects.filter(
        ticket=ticket, text__startswith="Status abgeschlossen → offen"
    ).exists()
    note = Notification.objects.get(user=petra)
    assert f"#{ticket.number}" in note.text
    assert "hans@huber.example" in note.text
    assert note.url == reverse("tickets:ticket", args=[ticket.number])


def test_what_a_person_closed_after_the_failure_stays_closed(petra: User) -> None:
    ticket, outgoing = answered(petra)
    becomes(outgoing, "failed")
    note_failures()
    Ticket.objects.filter(pk=ticket.pk).update(status="abgeschlossen")
    note_failures()
    ticket.refresh_from_db()
    assert ticket.status == "abgeschlossen"


def test_a_second_failure_after_a_second_try_is_told_again(petra: User) -> None:
    _ticket, outgoing = answered(petra)
    becomes(outgoing, "failed")
    note_failures()
    outgoing.refresh_from_db()
    assert retry(outgoing)
    assert note_failures() == 0
    becomes(outgoing, "failed")
    assert note_failures() == 1
    assert Notification.objects.filter(user=petra).count() == 2


@pytest.mark.parametrize("status", ["neu", "klaeren", "warten_e", "spam"])
def test_what_is_in_work_or_trash_keeps_its_status(status: str, petra: User) -> None:
    ticket, outgoing = answered(petra, status=status)
    becomes(outgoing, "failed")
    assert note_failures() == 1
    ticket.refresh_from_db()
    assert ticket.status == status


def test_partly_refused_is_told_and_reopens_nothing(petra: User) -> None:
    ticket, outgoing = answered(petra)
    Recipient.objects.create(
        outgoing=outgoing, kind="cc", email="weg@huber.example", state="refused", reply="550 weg"
    )
    assert note_failures() == 1
    assert note_failures() == 0
    ticket.refresh_from_db()
    assert ticket.status == "abgeschlossen"
    text = Notification.objects.get(user=petra).text
    assert "weg@huber.example" in text
    assert "hans@huber.example" not in text


def test_a_delivery_report_in_the_ticket_is_not_said_twice(petra: User) -> None:
    ticket, outgoing = answered(petra, status="warten_kd")
    take_report(ticket, report("failed", outgoing.message.message_id))
    assert note_failures() == 1
    assert TicketEvent.objects.filter(ticket=ticket, kind="delivery").count() == 1
    assert Notification.objects.filter(user=petra).count() == 1


def test_the_history_is_german_and_the_note_in_the_language_of_the_author(petra: User) -> None:
    User.objects.filter(pk=petra.pk).update(language="en")
    ticket, outgoing = answered(petra)
    becomes(outgoing, "failed")
    with translation.override("en"):
        note_failures()
        assert translation.get_language() == "en"
    assert "nicht zugestellt" in TicketEvent.objects.get(ticket=ticket, kind="delivery").text
    assert Notification.objects.filter(user=petra).exists()


def test_nobody_is_told_in_place_of_somebody_who_has_left(petra: User) -> None:
    User.objects.filter(pk=petra.pk).update(is_active=False)
    ticket, outgoing = answered(petra)
    becomes(outgoing, "failed")
    assert note_failures() == 1
    assert not Notification.objects.exists()
    ticket.refresh_from_db()
    assert ticket.status == "offen"


@pytest.mark.parametrize(
    ("state", "code", "reply", "expected"),
    [
        ("bounced", 0, "5.1.1 user unknown", True),
        ("refused", 550, "5.1.1 <x@y>: Recipient address rejected: User unknown", True),
        ("refused", 550, "No such user here", True),
        ("refused", 550, "Message rejected as spam", False),
        ("refused", 550, "5.7.1 not allowed, user unknown to policy", False),
        ("refused", 552, "5.2.2 mailbox full", False),
        ("refused", 451, "try again later", False),
        ("refused", 0, "", False),
        ("bounced", 0, "5.2.1 mailbox disabled", True),
        ("bounced", 0, "4.4.7 expired", False),
        ("bounced", 0, "Empfänger unbekannt", True),
    ],
)
def test_which_refusals_mean_that_an_address_is_dead(
    state: str, code: int, reply: str, expected: bool
) -> None:
    assert is_dead(Recipient(state=state, code=code, reply=reply)) is expected


def test_an_address_is_marked_once_and_freed_by_mail_that_stays(petra: User) -> None:
    _ticket, outgoing = answered(petra)
    becomes(outgoing, "bounced")
    assert (mark_bounced(), mark_bounced()) == (1, 0)
    mark = BouncedEmail.objects.get(email="hans@huber.example")
    assert mark.reason == "550 5.1.1 no such user"
    later = sent_message(make_ticket(account=make_ticket_account("zwei@firma.example")))
    OutgoingMessage.objects.filter(pk=later.pk).update(sent_at=timezone.now())
    assert mark_bounced() == 0  # it may still come back
    long_ago = timezone.now() - timedelta(days=3)
    BouncedEmail.objects.update(bounced_at=long_ago)
    OutgoingMessage.objects.filter(pk=later.pk).update(sent_at=long_ago + timedelta(hours=1))
    assert mark_bounced() == 1
    assert not BouncedEmail.objects.exists()
    assert mark_bounced() == 0  # the old refusal was judged


def test_the_mark_is_shown_at_ticket_and_address(client: Client) -> None:
    client.force_login(make_user("chefin", role="admin"))
    address = make_address(email="Hans@Huber.example")
    ticket = make_ticket(address=address)
    BouncedEmail.objects.create(
        email="hans@huber.example", reason="5.1.1 weg", bounced_at=timezone.now()
    )
    for page in (
        reverse("tickets:ticket", args=[ticket.number]),
        reverse("company:addresses_edit", args=[address.pk]),
    ):
        assert "5.1.1 weg" in client.get(page).content.decode(), page
    address.email = "neu@huber.example"
    address.save()
    page = reverse("company:addresses_edit", args=[address.pk])
    assert "5.1.1 weg" not in client.get(page).content.decode()


def test_the_bell_counts_and_notes_are_the_users_own(client: Client, petra: User) -> None:
    note = Notification.objects.create(
        user=petra, text="Nicht zugestellt", url="/tickets/", once_key="a"
    )
    client.force_login(make_user("hans"))
    assert "Nicht zugestellt" not in client.get("/hinweise/").content.decode()
    assert client.post(f"/hinweise/{note.pk}/oeffnen/").status_code == 404
    client.force_login(petra)
    page = client.get("/hinweise/")
    assert page.context["unread_notices"] == 1
    assert "Nicht zugestellt" in page.content.decode()
    opened = client.post(f"/hinweise/{note.pk}/oeffnen/")
    assert (opened.status_code, opened["Location"]) == (302, "/tickets/")
    assert client.get("/hinweise/").context["unread_notices"] == 0
    Notification.objects.create(user=petra, text="Noch einer", once_key="b")
    client.post("/hinweise/gelesen/")
    assert client.get("/hinweise/").context["unread_notices"] == 0
