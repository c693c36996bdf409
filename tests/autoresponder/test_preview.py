"""The autoresponder on the account page: what it would answer, and where {TICKET} has no place."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from autoresponder.models import Autoresponder
from tests.browser_forms import form_values
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db

URL = "/accounts/autoresponder/vorschau/"


@pytest.fixture(autouse=True)
def admin(client: Client) -> None:
    client.force_login(make_user("chefin", role="admin"))
    make_account()


def preview(client: Client, subject: str, text: str, *, tickets: bool = True) -> str:
    values = {"autoresponder-subject": subject, "autoresponder-text": text}
    return client.post(
        URL, values | ({"ticket-tickets_enabled": "on"} if tickets else {})
    ).content.decode()


def test_the_variables_are_filled_in_and_nothing_is_saved(client: Client) -> None:
    html = preview(client, "Re: {BETREFF}", "Guten Tag,\nIhr Ticket {TICKET} <b>")
    assert "Re: Lieferung unvollständig" in html
    assert "0042 &lt;b&gt;" in html
    assert "Guten Tag,<br>" in html
    assert "{" not in html
    assert not Autoresponder.objects.exists()


def test_what_would_be_refused_is_said(client: Client) -> None:
    refusal = "{TICKET} geht hier nicht"
    assert refusal in preview(client, "x {TICKET}", "y", tickets=False)
    assert refusal not in preview(client, "x {TICKET}", "y")
    assert "„{NAME}“ ist keine Variable" in preview(client, "x", "Hallo {NAME}")
    assert "Noch gibt es keinen Text." in preview(client, "", "")


def test_a_ticket_number_is_refused_where_no_tickets_are_made(client: Client) -> None:
    account = make_account(imap_enabled=False)
    page = reverse("mailaccounts:edit", args=[account.pk])
    values = form_values(client.get(page), "@id='account-form'") | {
        "autoresponder-is_active": ["on"],
        "autoresponder-subject": ["Ihre Anfrage {TICKET}"],
        "autoresponder-text": ["Guten Tag"],
    }
    values.pop("ticket-tickets_enabled", None)
    refused = client.post(page, values)
    assert refused.status_code == 422
    assert "{TICKET} geht hier nicht" in refused.content.decode()
    assert client.post(page, values | {"ticket-tickets_enabled": ["on"]}).status_code == 302
    assert Autoresponder.objects.get().subject == "Ihre Anfrage {TICKET}"
    assert f'hx-post="{URL}"' in client.get(page).content.decode()


def test_others_see_nothing(client: Client) -> None:
    client.force_login(make_user(role="support"))
    assert "Guten Tag" not in preview(client, "x", "Guten Tag")
    assert client.get(URL).status_code == 405
