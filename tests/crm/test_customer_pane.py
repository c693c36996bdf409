"""What a ticket shows of its customer, and a new address out of a ticket."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from company.models import Address
from tests.crm.world import make_customer
from tests.factories import make_account, make_document, make_employee, make_ticket, make_user

pytestmark = pytest.mark.django_db


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role, role=role))
    return client


def test_the_ticket_names_the_page_and_the_open_documents_of_its_customer() -> None:
    address = make_customer()
    make_document(address=address, number="400777")
    make_document(address=address, number="400888", state="versendet")
    ticket = make_ticket(account=make_account(), address=address)
    page = client_of("support").get(reverse("tickets:ticket", args=[ticket.number]))
    html = page.content.decode()
    assert f'href="{reverse("crm:address", args=[address.pk])}"' in html
    assert "Rechnung 400777" in html
    assert "400888" not in html


def test_an_unknown_sender_becomes_an_address_and_the_ticket_its_own() -> None:
    make_customer().delete()
    ticket = make_ticket(
        account=make_account(), customer_name="Eva Roth", customer_email="eva@roth.example"
    )
    client, page = client_of("support"), reverse("crm:from_ticket", args=[ticket.number])
    assert page in client.get(reverse("tickets:ticket", args=[ticket.number])).content.decode()
    form = client.get(page).content.decode()
    assert 'value="Eva Roth"' in form
    assert 'value="eva@roth.example"' in form
    given = {"name": "Roth Design", "kind": "customer", "language": "de", "is_active": "on"}
    wrong = client.post(page, given | {"email": "kein-at"})
    assert wrong.status_code == 422
    client.post(page, given | {"email": "eva@roth.example"})
    address = Address.objects.get()
    assert (address.name, address.number) == ("Roth Design", "10001")
    ticket.refresh_from_db()
    assert ticket.address == address
    assert client.get(page).status_code == 404, "it has an address now"


def test_foreign_tickets_make_no_address_and_auditors_none_at_all() -> None:
    owner = make_employee(user=make_user("owner"))
    personal = make_account("owner@firma.example", employees=(owner,))
    ticket = make_ticket(account=personal)
    page = reverse("crm:from_ticket", args=[ticket.number])
    assert client_of("staff").get(page).status_code == 404
    assert client_of("auditor").get(page).status_code == 403


def test_the_list_finds_by_telephone_and_leads_to_the_page() -> None:
    address = make_customer()
    html = client_of("staff").get(f"{reverse('company:addresses')}?q=555020").content.decode()
    assert f'href="{reverse("crm:address", args=[address.pk])}"' in html
    nothing = client_of("support").get(f"{reverse('company:addresses')}?q=555021")
    assert address.name not in nothing.content.decode()
