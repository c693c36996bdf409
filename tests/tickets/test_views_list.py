"""The list of tickets: views, rows, paging, news, bulk actions."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from company.models import User
from tests.factories import (
    make_account,
    make_employee,
    make_mail,
    make_queue,
    make_ticket,
    make_user,
)
from tests.tickets.letters import letter
from tickets.change import change
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
LIST = "/tickets/"
HTMX = {"HX-Request": "true", "HX-Target": "list-pane"}


@pytest.fixture
def petra(client: Client) -> User:
    user = make_user("petra", role="support", first_name="Petra", last_name="Klein")
    client.force_login(user)
    return user


def page(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(LIST + query, headers=headers or None)
    assert response.status_code == 200
    return response.content.decode()


def make_many(count: int, **values: object) -> list[Ticket]:
    now, queue, user = timezone.now(), make_queue("Viele"), make_user()
    tickets = []
    for number in range(count):
        ticket = make_ticket(
            queue=queue, assignee=user, subject=f"Sache {number:03}", **values,
            now=now - timedelta(minutes=number),
        )  # fmt: skip
        change(ticket=ticket, actor=None, tags=["Prio"])
        tickets.append(ticket)
    return tickets


def test_each_view_holds_its_tickets(client: Client, petra: User) -> None:
    make_ticket(subject="Meins", assignee=petra, status="offen")
    make_ticket(subject="Keins", status="neu")
    make_ticket(subject="Fertig", status="abgeschlossen", assignee=petra)
    make_ticket(subject="Wegwerfen", status="spam")
    views = {
        "meine": {"Meins"}, "frei": {"Keins"}, "neu": {"Keins"}, "offen": {"Meins"},
        "abgeschlossen": {"Fertig"}, "spam": {"Wegwerfen"}, "alle": {"Meins", "Keins", "Fertig"},
        "klaeren": set(),
    }  # fmt: skip
    for view, wanted in views.items():
        shown = page(client, f"?ansicht={view}")
        assert {one for one in ("Meins", "Keins", "Fertig", "Wegwerfen") if one in shown} == wanted


def test_a_search_without_a_hit_goes_on_in_all_tickets(client: Client, petra: User) -> None:
    make_ticket(subject="Stehtisch", status="abgeschlossen", assignee=petra)
    shown = page(client, "?ansicht=frei&q=stehtisch")
    assert 'href="?ansicht=alle&amp;q=stehtisch">In allen Tickets suchen</a>' in shown
    assert "In allen Tickets suchen" not in page(client, "?ansicht=alle&q=niemals")
    assert "In allen Tickets suchen" not in page(client, "?ansicht=klaeren")


def test_without_a_view_it_shows_where_work_lies(client: Client, petra: User) -> None:
    ticket = make_ticket(subject="Niemandes")
    assert "Niemandes" in page(client)
    make_ticket(subject="Eigenes", assignee=petra)
    shown = page(client)
    assert "Eigenes" in shown
    assert ticket.subject not in shown
    assert "Niemandes" in page(client, "?q=niemandes"), "a search looks everywhere"


def test_merged_tickets_are_not_listed(client: Client, petra: User) -> None:
    make_ticket(subject="Aufgegangen", merged_into=make_ticket())
    assert "Aufgegangen" not in page(client, "?ansicht=alle")


def test_filters_narrow(client: Client, petra: User) -> None:
    queue, account = make_queue("Vertrieb"), make_account(tickets_enabled=True)
    make_ticket(subject="Im Vertrieb", queue=queue)
    make_ticket(subject="Vom Account", account=account)
    by_queue = page(client, f"?ansicht=alle&warteschlange={queue.pk}")
    assert "Im Vertrieb" in by_queue
    assert "Vom Account" not in by_queue
    by_account = page(client, f"?ansicht=alle&account={account.pk}")
    assert "Vom Account" in by_account
    assert "Im Vertrieb" not in by_account


@pytest.mark.parametrize(
    "query", ["?ansicht=quatsch", "?vor=x_y", "?warteschlange=abc", "?account=²"]
)
def test_unreadable_addresses_show_the_plain_list(client: Client, petra: User, query: str) -> None:
    make_ticket(subject="Da")
    assert "Da" in page(client, query)


def test_fifty_rows_a_page_and_each_ticket_once(client: Client, petra: User) -> None:
    make_many(55)
    first = page(client, "?ansicht=alle")
    assert first.count('class="row ') + first.count('class="row"') == 50
    more = first.partition('hx-get="/tickets/?ansicht=alle&amp;vor=')[2].partition('"')[0]
    rest = client.get(
        f"{LIST}?ansicht=alle&vor={more}", headers={"HX-Request": "true", "HX-Target": "more"}
    ).content.decode()
    assert "<html" not in rest
    shown = [f"Sache {number:03}" for number in range(55)]
    assert [one for one in shown if one in first] == shown[:50]
    assert [one for one in shown if one in rest] == shown[50:]
    assert 'id="more"' not in rest


def count_queries(client: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(client, "?ansicht=alle")
    return len(queries)


def test_the_number_of_queries_does_not_grow(client: Client, petra: User) -> None:
    make_many(1)
    page(client)
    one = count_queries(client)
    make_many(49)
    assert count_queries(client) == one
    assert one <= 15


def test_htmx_gets_the_column_alone(client: Client, petra: User) -> None:
    shown = client.get(LIST, headers=HTMX).content.decode()
    assert shown.lstrip().startswith('<section class="pane pane-list"')
    assert "<html" not in shown


def news_address(client: Client, view: str) -> str:
    """What the page of a view asks for news."""
    found = re.search(
        r'data-poll="(/tickets/neues/[^"]+)"', client.get(LIST, {"ansicht": view}).text
    )
    assert found is not None
    return unescape(found[1])


def test_news_are_counted_within_the_view(client: Client, petra: User) -> None:
    make_mail(make_ticket(assignee=petra), letter())
    asked = news_address(client, "meine")
    assert client.get(asked).status_code == 204
    make_mail(make_ticket(), letter())
    assert client.get(asked).status_code == 204
    make_mail(make_ticket(assignee=petra, waiting_since=None), letter())
    assert client.get(asked).status_code == 204, "what is answered is no news"
    make_mail(make_ticket(assignee=petra), letter())
    response = client.get(asked)
    assert response.status_code == 200
    assert "1 Ticket mit Neuem" in response.text
    assert client.get(reverse("tickets:list_news"), {"seit": "gestern"}).status_code == 204


def test_mail_that_was_long_on_its_way_is_news_too(client: Client, petra: User) -> None:
    now = timezone.now()
    make_mail(make_ticket(now=now), letter(), now=now)
    asked = news_address(client, "alle")
    late = now - timedelta(hours=3)
    make_mail(make_ticket(now=late), letter(subject="Spät"), now=late)
    assert "1 Ticket mit Neuem" in client.get(asked).text


def test_hidden_tickets_do_not_exist(client: Client, petra: User) -> None:
    outsider = make_employee("Andere", user=make_user())
    private = make_account(employees=(outsider,), tickets_enabled=True)
    closed_queue = make_queue("Geschlossen")
    closed_queue.members.add(make_user())
    make_ticket(subject="Privat", account=private)
    make_ticket(subject="Abteilung", queue=closed_queue)
    shown = page(client, "?ansicht=alle")
    assert "Privat" not in shown
    assert "Abteilung" not in shown
    assert "Geschlossen" not in shown
    assert private.email not in shown


def test_marked_tickets_change_together(client: Client, petra: User) -> None:
    tickets = [make_ticket(), make_ticket(), make_ticket(status="klaeren", assignee=petra)]
    response = client.post(
        reverse("tickets:change_many"),
        {"tickets": [one.pk for one in tickets], "status": "klaeren", "assignee": petra.pk},
        headers=HTMX,
    )
    shown = response.content.decode()
    assert "2 Tickets geändert. Die übrigen waren schon so." in shown
    assert 'id="list-pane"' in shown
    assert set(Ticket.objects.values_list("status", "assignee")) == {("klaeren", petra.pk)}
    assert tickets[0].events.count() == 2
    client.post(reverse("tickets:change_many"), {"tickets": [tickets[0].pk], "assignee": "niemand"})
    tickets[0].refresh_from_db()
    assert tickets[0].assignee is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"status": "offen"}, "Es ist kein Ticket markiert."),
        ({"tickets": "own"}, "Bitte wählen Sie einen Status oder einen Verantwortlichen."),
        ({"tickets": "own", "status": "quatsch"}, "quatsch"),
        ({"tickets": "own", "assignee": "auditor"}, "keine Tickets zuordnen"),
        ({"tickets": "foreign", "status": "offen"}, "keine gültige Auswahl"),
    ],
)
def test_a_bulk_action_that_makes_no_sense_says_so(
    client: Client, petra: User, given: dict[str, str], text: str
) -> None:
    private = make_account(employees=(make_employee("Andere", user=make_user()),))
    keys = {
        "own": make_ticket().pk,
        "foreign": make_ticket(account=private).pk,
        "auditor": make_user(role="auditor").pk,
    }
    data = {name: keys.get(value, value) for name, value in given.items()}
    shown = client.post(reverse("tickets:change_many"), data, headers=HTMX).content.decode()
    assert text in shown
    assert set(Ticket.objects.values_list("status", flat=True)) == {"neu"}


def test_without_javascript_one_comes_back_to_the_list(client: Client, petra: User) -> None:
    url = reverse("tickets:change_many") + "?ansicht=neu"
    response = client.post(url, {"tickets": [make_ticket().pk], "status": "offen"}, follow=True)
    assert response.redirect_chain == [("/tickets/?ansicht=neu", 302)]
    assert "1 Ticket geändert." in response.content.decode()


def test_the_auditor_reads_only(client: Client) -> None:
    client.force_login(make_user(role="auditor"))
    ticket = make_ticket(subject="Zu prüfen")
    shown = page(client, "?ansicht=alle")
    assert "Zu prüfen" in shown
    assert 'id="bulk"' not in shown
    data = {"tickets": [ticket.pk], "status": "offen"}
    assert client.post(reverse("tickets:change_many"), data).status_code == 403


def test_methods_and_signing_in(client: Client, petra: User) -> None:
    assert client.post(LIST).status_code == 405
    assert client.get(reverse("tickets:change_many")).status_code == 405
    client.logout()
    assert client.get(LIST).status_code == 302
