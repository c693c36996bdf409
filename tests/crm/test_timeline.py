"""The timeline of an address: what stands in it, for whom, in which order and at which cost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Activity
from outbox.models import OutgoingMessage
from tests.crm.world import (
    NOON,
    archived,
    call,
    let_everything_pass,
    letter_mail,
    make_customer,
    note,
)
from tests.factories import (
    make_account,
    make_employee,
    make_mail,
    make_queue,
    make_ticket,
    make_user,
)
from tests.tickets.letters import letter

pytestmark = pytest.mark.django_db
EVERYTHING = [
    "Frohe Feiertage",
    "Rechnung 400777",
    "Zahlt pünktlich",
    "Rückruf",
    "Unser Gespräch",
    "Katalog",
    "Spediteur gefragt",
    "Lieferung fehlt",
]


def client_of(role: str = "staff", name: str = "") -> Client:
    client = Client()
    client.force_login(make_user(name, role=role))
    return client


def page_of(pk: int, query: str = "") -> str:
    return reverse("crm:address", args=[pk]) + query


def shown(client: Client, pk: int, query: str = "") -> list[str]:
    """Titles, or the texts of what has none, from top to bottom, without what is pinned."""
    html = client.get(page_of(pk, query)).content.decode()
    entries = re.findall(r'<li class="pass" id="passed-.*?</li>', html, re.S)
    found = []
    for entry in html.split('<li class="pass" id="passed-')[1:]:
        title = re.search(r'id="open-[^"]*" href="[^"]*">([^<]*)<', entry)
        text = re.search(r'class="pass-text">([^<]*)<', entry)
        hit = title or text
        assert hit is not None
        found.append(hit[1])
    assert len(entries) == len(found)
    return found


def counts(client: Client, pk: int, query: str = "") -> list[int]:
    html = client.get(page_of(pk, query)).content.decode()
    return [int(n) for n in re.findall(r'<span class="count">(\d+)</span></a>', html)]


def test_everything_that_passed_stands_there_newest_first_and_filtered() -> None:
    passed = let_everything_pass(make_user("max"))
    client, pk = client_of(), passed.address.pk
    assert shown(client, pk) == EVERYTHING
    assert counts(client, pk) == [8, 3, 1, 1, 2, 1]
    assert shown(client, pk, "?art=e-mail") == ["Unser Gespräch", "Katalog", "Lieferung fehlt"]
    assert shown(client, pk, "?art=brief") == ["Frohe Feiertage"]
    assert shown(client, pk, "?art=telefon") == ["Rückruf"]
    assert shown(client, pk, "?art=notiz") == ["Zahlt pünktlich", "Spediteur gefragt"]
    assert shown(client, pk, "?art=beleg") == ["Rechnung 400777"]
    assert shown(client, pk, "?art=unfug") == EVERYTHING


def test_words_and_days_narrow_entries_and_counts() -> None:
    passed = let_everything_pass(make_user("max"))
    client, pk = client_of(), passed.address.pk
    assert shown(client, pk, "?q=katalog") == ["Katalog"]
    assert shown(client, pk, "?q=pünktlich") == ["Zahlt pünktlich"]
    assert shown(client, pk, "?q=feiertage") == ["Frohe Feiertage"]
    assert counts(client, pk, "?q=400777") == [1, 0, 0, 0, 0, 1]
    assert shown(client, pk, "?von=2026-11-21") == []
    assert shown(client, pk, "?bis=2026-11-20&von=2026-11-20") == EVERYTHING
    assert shown(client, pk, "?von=heute") == EVERYTHING


def test_it_is_the_address_of_the_ticket_else_of_the_mail_that_counts() -> None:
    address, other = make_customer(), make_customer("Andere GmbH")
    account = make_account()
    ours = make_ticket(account=account, address=None, customer_email="hans@huber.example")
    make_mail(ours, letter(subject="Ohne Zuordnung"))
    theirs = make_ticket(account=account, address=other, customer_email="hans@huber.example")
    make_mail(theirs, letter(subject="Von Hand zugeordnet"))
    binned = make_ticket(account=account, address=address, status="spam")
    make_mail(binned, letter(subject="Im Papierkorb"))
    letter_mail(other, account, to="info@huber.example", subject="Von anderswo geschrieben")
    letter_mail(address, account, subject="Zurückgeholt")
    OutgoingMessage.objects.filter(message__subject="Zurückgeholt").update(state="cancelled")
    OutgoingMessage.objects.filter(message__subject="Von anderswo geschrieben").update(
        created_at=NOON
    )
    assert shown(client_of(), address.pk) == ["Ohne Zuordnung", "Von anderswo geschrieben"]


def test_what_one_may_not_see_is_not_there() -> None:
    address, owner = make_customer(), make_user("owner")
    personal = make_account("owner@firma.example", employees=(make_employee(user=owner),))
    ticket = make_ticket(account=personal, address=address)
    make_mail(ticket, letter(subject="Vertrauliches Ticket"))
    archived(personal, letter(subject="Vertrauliches Archiv"), NOON)
    letter_mail(address, personal, subject="Vertraulicher Brief")
    queue = make_queue("Geheim")
    queue.members.add(owner)
    hidden = make_ticket(account=make_account(), address=address, queue=queue)
    make_mail(hidden, letter(subject="Fremde Warteschlange"))
    owner_client, auditor = Client(), client_of("auditor")
    owner_client.force_login(owner)
    everything = ["Fremde Warteschlange", "Vertrauliches Archiv", "Vertrauliches Ticket"]
    for client in (owner_client, auditor):
        assert sorted(shown(client, address.pk)) == sorted([*everything, "Vertraulicher Brief"])
    for role in ("staff", "support"):
        assert shown(client_of(role), address.pk) == []
        assert counts(client_of(role), address.pk) == [0] * 6
    assert counts(client_of("admin"), address.pk)[1] == 1, "the queue, not the personal account"


def test_older_entries_follow_without_gap_or_repetition_even_at_one_moment() -> None:
    address, author = make_customer(), make_user("max")
    for number in range(45):
        note(address, author, f"N{number:02}", happened_at=NOON)
        call(address, author, f"A{number:02}", happened_at=NOON)
    client, query, seen = client_of(), "", list[str]()
    while True:
        seen += shown(client, address.pk, query)
        html = client.get(page_of(address.pk, query)).content.decode()
        older = re.search(r'id="older".*?href="[^"?]*(\?[^"]*)"', html, re.S)
        if older is None:
            break
        query = older[1].replace("&amp;", "&")
    assert len(seen) == 90
    assert len(set(seen)) == 90
    assert seen == sorted(seen, key=lambda text: (text[0] == "A", -int(text[1:])))


@pytest.mark.parametrize("cursor", ["x", "2026-11-20~note~1", "2026-99-01T00:00:00+00:00~note~1"])
def test_a_spoiled_place_shows_the_newest(cursor: str) -> None:
    address = make_customer()
    note(address, make_user("max"))
    assert shown(client_of(), address.pk, f"?vor={cursor}") == ["Notiz"]


def test_the_page_costs_the_same_for_one_and_for_five_thousand_entries() -> None:
    author = make_user("max")
    passed = let_everything_pass(author)
    client, page = client_of(), page_of(passed.address.pk)
    client.get(page)  # what is loaded once per process
    with CaptureQueriesContext(connection) as few:
        client.get(page)
    Activity.objects.bulk_create(
        Activity(
            address=passed.address,
            kind="note",
            text=f"Notiz {number}",
            author=author,
            happened_at=NOON - timedelta(minutes=number),
            once_key=f"bulk-{number}",
        )
        for number in range(5000)
    )
    with CaptureQueriesContext(connection) as many:
        html = client.get(page).content.decode()
    assert "999+" in html
    assert len(many) == len(few)
    assert len(few) <= 26, "\n".join(query["sql"][:120] for query in few.captured_queries)


def test_while_nothing_changes_nothing_is_sent_again() -> None:
    passed = let_everything_pass(make_user("max"))
    client, headers = client_of(), {"HX-Request": "true", "HX-Target": "timeline"}
    html = client.get(page_of(passed.address.pk)).content.decode()
    poll = re.search(r'data-poll="([^"]*)"', html)
    assert poll
    url = poll[1].replace("&amp;", "&")
    assert client.get(url, headers=headers).status_code == 204
    OutgoingMessage.objects.filter(pk=passed.letter_mail.pk).update(
        state="failed", error_kind="recipient_refused", last_reply="550 5.1.1 no such user"
    )
    changed = client.get(url, headers=headers)
    assert changed.status_code == 200
    assert "fehlgeschlagen" in changed.content.decode()
    assert "550 5.1.1 no such user" in changed.content.decode()


def test_only_get_and_a_missing_address_is_404() -> None:
    client = client_of()
    assert client.get(page_of(4711)).status_code == 404
    assert client.post(page_of(make_customer().pk)).status_code == 405
    assert Client().get(page_of(1)).status_code == 302
