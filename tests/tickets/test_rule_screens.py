"""The screens of „Ticketregeln“: form, order, switch, trial; who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import User
from tests.factories import make_employee, make_mail, make_queue, make_ticket, make_user
from tests.tickets.incoming import make_ticket_account
from tests.tickets.letters import letter
from tests.tickets.test_rules import make_rule
from tickets.models import Rule, Tag, Ticket, TicketEvent

pytestmark = pytest.mark.django_db
LIST, NEW = "/tickets/regeln/", "/tickets/regeln/neu/"


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user("chefin", role="admin")
    client.force_login(user)
    return user


def filled(*conditions: tuple[str, ...], **values: Any) -> dict[str, Any]:
    """What the form sends."""
    rows = conditions or (("sender", "contains", "huber"),)
    data = {
        "name": "Huber",
        "match": "all",
        "is_active": "on",
        "priority": "3",
        "conditions-TOTAL_FORMS": str(len(rows) + 1),
        "conditions-INITIAL_FORMS": "0",
        f"conditions-{len(rows)}-field": "sender",
        f"conditions-{len(rows)}-operator": "contains",
        **values,
    }
    for number, (field, operator, value, *header) in enumerate(rows):
        data |= {
            f"conditions-{number}-field": field,
            f"conditions-{number}-operator": operator,
            f"conditions-{number}-value": value,
            f"conditions-{number}-header": "".join(header),
        }
    return data


@pytest.mark.usefixtures("admin")
def test_create_change_switch_delete(client: Client) -> None:
    queue = make_queue()
    sent = filled(queue=str(queue.pk), tag_names="Shop,  eilig , shop")
    assert client.post(NEW, sent).status_code == 302
    rule = Rule.objects.get()
    assert (rule.name, rule.queue, rule.priority, rule.order) == ("Huber", queue, 3, 1)
    assert [str(one) for one in rule.conditions.all()] == ["Absender enthält „huber“"]
    assert {tag.name.lower() for tag in rule.tags.all()} == {"shop", "eilig"}
    page = client.get(LIST).content.decode()
    assert "Warteschlange Support, Priorität hoch" in page
    own = reverse("tickets:rule_edit", args=[rule.pk])
    assert "huber" in client.get(own).content.decode()
    client.post(reverse("tickets:rule_switch", args=[rule.pk]), {"aus": "1"})
    rule.refresh_from_db()
    assert not rule.is_active
    client.post(reverse("tickets:rule_delete", args=[rule.pk]))
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (filled(priority=""), "mindestens eine Aktion"),
        (filled(("sender", "contains", "")), "mindestens eine Bedingung"),
        (filled(("header", "contains", "x")), "Namen einer Kopfzeile"),
        (filled(("header", "contains", "x", "X Mailer")), "Namen einer Kopfzeile"),
    ],
)
@pytest.mark.usefixtures("admin")
def test_what_is_wrong_is_said(client: Client, sent: dict[str, Any], words: str) -> None:
    answer = client.post(NEW, sent)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Rule.objects.exists()


@pytest.mark.usefixtures("admin")
def test_order(client: Client) -> None:
    rules = [make_rule(name, order=0) for name in ("A", "B", "C")]
    client.post(reverse("tickets:rule_move", args=[rules[2].pk]), {"richtung": "auf"})
    assert "".join(Rule.objects.values_list("name", flat=True)) == "ACB"
    client.post(reverse("tickets:rule_move", args=[rules[0].pk]), {"richtung": "ab"})
    assert "".join(Rule.objects.values_list("name", flat=True)) == "CAB"
    client.post(reverse("tickets:rule_move", args=[rules[2].pk]), {"richtung": "auf"})
    assert "".join(Rule.objects.values_list("name", flat=True)) == "CAB"


@pytest.mark.usefixtures("admin")
def test_the_trial_counts_shows_and_changes_nothing(client: Client) -> None:
    ticket = make_ticket(account=make_ticket_account(), priority=2)
    for number in range(23):
        make_mail(ticket, letter(subject=f"Bestellung {number}"))
    make_mail(ticket, letter(sender="Eva <eva@fremd.example>", subject="Anderes"))
    make_mail(ticket, letter(subject="Alt"), now=timezone.now() - timedelta(days=40))
    before = list(Ticket.objects.values()), TicketEvent.objects.count()
    answer = client.post(NEW, filled(is_for_answers="on") | {"testen": "1"})
    assert answer.status_code == 200
    trial = answer.context["trial"]
    assert (trial.matching, trial.checked, len(trial.hits), trial.is_cut) == (23, 24, 20, False)
    assert trial.hits[0].subject == "Bestellung 22"
    assert (list(Ticket.objects.values()), TicketEvent.objects.count()) == before
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("condition", "matching"),
    [
        (("body", "contains", "guten tag"), 1),
        (("header", "contains", "brief-", "Message-ID"), 1),
        (("recipient", "is", "support@firma.example"), 1),
        (("subject", "is", "anderes"), 0),
    ],
)
@pytest.mark.usefixtures("admin")
def test_the_trial_asks_like_the_intake(
    client: Client, condition: tuple[str, ...], matching: int
) -> None:
    make_mail(make_ticket(account=make_ticket_account()), letter())
    answer = client.post(NEW, filled(condition) | {"testen": "1"})
    assert answer.context["trial"].matching == matching


def test_a_tested_rule_is_applied_to_the_tickets_that_are_here(client: Client, admin: User) -> None:
    account, queue = make_ticket_account(), make_queue("Einkauf")
    right = make_ticket(account=account, queue=queue, priority=3, status="abgeschlossen")
    right.tags.add(Tag.objects.create(name="Eilig"))
    wrong, untagged = (make_ticket(account=account) for _ in range(2))
    Ticket.objects.filter(pk=untagged.pk).update(queue=queue, priority=3, status="abgeschlossen")
    other, personal, answered = (make_ticket(account=account) for _ in range(3))
    for one in (right, wrong, untagged):
        make_mail(one, letter())
    make_mail(other, letter(sender="Eva <eva@fremd.example>"))
    make_mail(answered, letter(sender="Eva <eva@fremd.example>"))
    make_mail(answered, letter())  # only a first mail counts
    hidden = make_ticket_account("max@firma.example", employees=(make_employee("Max"),))
    Ticket.objects.filter(pk=personal.pk).update(account=hidden)
    make_mail(personal, letter(), account=hidden)
    sent = filled(queue=str(queue.pk), closes="on", tag_names="eilig")

    trial = client.post(NEW, sent | {"testen": "1"}).context["trial"]
    assert set(trial.to_change) == {wrong.pk, untagged.pk}
    assert (trial.matching, trial.checked) == (3, 5)
    assert [hit.is_changed for hit in trial.hits] == [True, True, False]
    assert trial.words == ("Warteschlange Einkauf", "Priorität hoch", "abgeschlossen",
        "Schlagwort „eilig“")  # fmt: skip
    assert not TicketEvent.objects.exists()

    page = client.post(NEW, sent | {"anwenden": "1"}, follow=True).content.decode()
    assert "„Huber“ ist gespeichert und hat 2 Tickets geändert." in page
    for one in (wrong, untagged):
        one.refresh_from_db()
        assert (one.queue, one.priority, one.status) == (queue, 3, "abgeschlossen")
        assert [tag.name for tag in one.tags.all()] == ["Eilig"]
        event = one.events.get()
        assert event.text.startswith("Regel „Huber“ nachträglich angewendet: Warteschlange Eink")
        assert event.actor == admin
    assert (wrong.closed_at is None, wrong.waiting_since) == (False, None)
    assert TicketEvent.objects.count() == 2, "who was as wanted, or is not the admin's, is left"
    again = client.post(f"{LIST}{Rule.objects.get().pk}/", sent | {"testen": "1"})
    assert again.status_code == 200
    assert again.context["trial"].to_change == ()


@pytest.mark.usefixtures("admin")
def test_a_moved_rule_keeps_the_focus_on_its_button(client: Client) -> None:
    rules = [make_rule(name=name) for name in "ABC"]
    url = reverse("tickets:rule_move", args=[rules[2].pk])
    page = client.post(url, {"richtung": "auf"}, follow=True).content.decode()
    assert page.count("autofocus") == 1
    assert 'autofocus aria-label="C nach oben"' in page
    page = client.post(url, {"richtung": "auf"}, follow=True).content.decode()
    assert 'autofocus aria-label="C nach unten"' in page, "there is no way further up"


@pytest.mark.usefixtures("admin")
def test_a_rule_from_a_ticket(client: Client) -> None:
    ticket = make_ticket(subject="AW: Bestellung 7")
    url = f"{NEW}?ticket={ticket.number}"
    assert url in client.get(reverse("tickets:ticket", args=[ticket.number])).content.decode()
    page = client.get(url).content.decode()
    assert 'value="hans@huber.example"' in page
    assert 'value="Bestellung 7"' in page
    assert 'name="conditions-2-value"' in page, "room for a third condition"


def test_words_follow_the_reader_the_history_stays_german(client: Client) -> None:
    client.force_login(make_user(role="admin", language="en"))
    ticket = make_ticket(account=make_ticket_account())
    make_mail(ticket, letter())
    sent = filled(tag_names="eilig")
    trial = client.post(NEW, sent | {"testen": "1"}).context["trial"]
    assert trial.words == ("Priority high", "Tag “eilig”")
    page = client.post(NEW, sent | {"anwenden": "1"}, follow=True).content.decode()
    assert "Priority high" in page
    event = TicketEvent.objects.get(ticket=ticket)
    assert "nachträglich angewendet: Priorität hoch, Schlagwort „eilig“" in event.text


def test_who_may(client: Client) -> None:
    rule = make_rule()
    own = reverse("tickets:rule_edit", args=[rule.pk])
    client.force_login(make_user("petra"))
    assert client.get(LIST).status_code == 403
    client.force_login(make_user("pruefer", role="auditor"))
    assert ">Speichern<" not in client.get(own).content.decode()
    assert client.get(LIST).status_code == 200
    for url in (
        own,
        NEW,
        *(reverse(f"tickets:rule_{n}", args=[rule.pk]) for n in ("move", "switch", "delete")),
    ):
        assert client.post(url, filled()).status_code == 403
