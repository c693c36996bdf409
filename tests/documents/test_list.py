"""The list of documents, and who may see and change them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from documents.models import Document
from tests.documents.screens import client_of
from tests.documents.sending import make_invoice
from tests.factories import make_address, make_document, make_user

pytestmark = pytest.mark.django_db


SEEING = ("detail", "pdf", "history")
CHANGING = ("release", "withdraw")
EDITING = ("edit", "dispatch", "signature")


@pytest.mark.parametrize("role", ["admin", "staff", "support", "auditor"])
def test_everybody_sees_documents_and_staff_and_admins_change_them(role: str) -> None:
    client = client_of(role)
    document = make_invoice()
    may_edit = role in {"admin", "staff"}
    page = client.get(reverse("documents:detail", args=[document.pk])).content.decode()
    assert ("Dokument versenden" in page) is may_edit
    assert client.get(reverse("documents:list")).status_code == 200
    for name in SEEING:
        assert client.get(reverse(f"documents:{name}", args=[document.pk])).status_code == 200
    for name in CHANGING:
        expected = 302 if may_edit else 403
        assert client.post(reverse(f"documents:{name}", args=[document.pk])).status_code == expected
    for name in EDITING:
        found = client.get(reverse(f"documents:{name}", args=[document.pk])).status_code
        assert (found == 403) is not may_edit
    new = reverse("documents:create", args=["rechnung"])
    assert client.get(new).status_code == (200 if may_edit else 403)


def test_a_stranger_is_sent_to_the_login_and_a_missing_document_is_404() -> None:
    make_user()
    assert Client().get(reverse("documents:list")).status_code == 302
    assert client_of("staff").get(reverse("documents:detail", args=[4711])).status_code == 404
    unknown = reverse("documents:create", args=["unbekannt"])
    assert client_of("staff").get(unknown).status_code == 404


@pytest.mark.parametrize("name", ["release", "withdraw", "preview"])
def test_what_changes_something_is_no_link(name: str) -> None:
    document = make_invoice()
    url = reverse(f"documents:{name}", args=[document.pk])
    assert client_of("staff").get(url).status_code == 405


def test_the_list_finds_by_kind_state_number_address_and_article() -> None:
    huber = make_address("Huber & Söhne GmbH", number="10002")
    first = make_invoice(number="400001", address=huber)
    second = make_document(
        "angebot",
        number="100001",
        address=make_address("Maier AG"),
        positions=(("Zahnrad", "1", "1", "19"),),
    )
    client = client_of("support")

    def found(**query: str) -> set[str]:
        response = client.get(reverse("documents:list"), query)
        return {str(row.document) for row in response.context["rows"]}

    assert found() == {str(first), str(second)}
    for query in ("400001", "re400001", "söhne", "10002", "kugellager huber"):
        assert found(q=query) == {str(first)}, query
    assert found(q="zahnrad") == {str(second)}
    assert found(art="angebot") == {str(second)}
    assert found(status="freigegeben") == {str(first)}
    assert found(adresse=str(huber.pk)) == {str(first)}
    Document.objects.filter(pk=first.pk).update(date="2026-03-31")
    assert found(von="2026-03-01", bis="2026-03-31") == {str(first)}
    assert found(bis="2026-03-30") == set()
    assert found(von="2026-04-01", bis="unsinn") == {str(second)}
    assert found(q="huber zahnrad") == set()
    assert found(status="quatsch", adresse="x", art="quatsch") == set()


def test_the_list_pages_by_fifty_and_needs_the_same_queries_for_one_and_fifty(
    django_assert_max_num_queries: Callable[[int], CaptureQueriesContext],
) -> None:
    client = client_of("staff")
    make_invoice()
    client.get(reverse("documents:list"))
    with django_assert_max_num_queries(15) as one:
        client.get(reverse("documents:list"))
    for _ in range(55):
        make_invoice()
    with django_assert_max_num_queries(15) as many:
        page = client.get(reverse("documents:list"))
    assert len(many) == len(one)
    assert len(page.context["rows"]) == 50
    assert "page=2" in page.content.decode()


def test_an_empty_list_and_an_empty_search_say_so() -> None:
    client = client_of("staff")
    assert "Noch gibt es keinen Beleg" in client.get(reverse("documents:list")).content.decode()
    searched = client.get(reverse("documents:list"), {"q": "nichts"}).content.decode()
    assert "Dazu gibt es keinen Beleg." in searched
