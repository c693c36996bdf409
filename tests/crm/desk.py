"""Petra at her desk: who writes mail at the page of an address."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

from company.models import Address, User
from outbox.models import OutgoingMessage
from tests.crm.world import make_customer
from tests.factories import make_account, make_employee, make_user, set_company

HTMX = {"HX-Request": "true", "HX-Target": "composer-form"}


@dataclass
class Desk:
    """Petra at her desk, with an account of the company's and one address."""

    client: Client
    user: User
    address: Address

    def url(self, name: str = "mail", *keys: int) -> str:
        return reverse(f"crm:{name}", args=[self.address.pk, *keys])

    def values(self, **values: object) -> dict[str, object]:
        return {
            "sender": "info@firma.example",
            "to": "Hans Huber <hans@huber.example>",
            "subject": "Unser Treffen",
            "text": "<p>{ANREDE},</p><p>bis Donnerstag.</p>",
            "once_key": "0123456789abcdef",
            **values,
        }

    def send(self, **values: object) -> str:
        response = self.client.post(self.url(), self.values(**values), headers=HTMX)
        self.status = response.status_code
        return str(response.content.decode())


def make_desk(client: Client) -> Desk:
    user = make_user("petra", role="support", first_name="Petra", last_name="Klein")
    make_employee("Petra Klein", user=user, email="petra@firma.example")
    set_company(
        name="Musterfirma GmbH",
        greeting="Mit freundlichen Grüßen",
        signature_html="<p>{MITARBEITER}, Musterfirma</p>",
    )
    make_account("info@firma.example", is_default=True)
    client.force_login(user)
    return Desk(client, user, make_customer())


def sent() -> OutgoingMessage:
    return OutgoingMessage.objects.get()
