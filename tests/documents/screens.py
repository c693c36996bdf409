"""What the tests of the pages of documents share: who looks, and what a browser sends."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.documents.sending import Office, make_office
from tests.factories import make_user

HTMX = {"HX-Request": "true"}


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def office_client() -> tuple[Office, Client]:
    office = make_office()
    client = Client()
    client.force_login(office.user)
    return office, client


def form_values(*rows: dict[str, str], **values: str) -> dict[str, str]:
    """What the browser sends: the document's fields and the rows of positions."""
    data = {
        "address": "10002",
        "date": "2026-11-23",
        "pos-TOTAL_FORMS": str(len(rows)),
        "pos-INITIAL_FORMS": "0",
        **values,
    }
    for number, row in enumerate(rows):
        full = {"quantity": "1", "unit": "Stk.", "price": "0,00", "tax_rate": "19", **row}
        data |= {f"pos-{number}-{name}": value for name, value in full.items()}
    return data


def dispatch_values(**values: Any) -> dict[str, Any]:
    return {
        "press": "druck-1",
        "is_manual": "on",
        "manual_recipient": "Hans Huber <hans@huber.example>",
        "subject": "Rechnung {NUMMER}",
        "text": "<p>Guten Tag</p>",
        "by_mail": "on",
        "sender": "firma",
        **values,
    }
