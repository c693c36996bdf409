"""What the tests of the account page share: a new account as typed, a stored one, and the page's values."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from company.secrets import seal
from mailaccounts.connect import imap_binding
from mailaccounts.models import MailAccount
from tests.browser_forms import Values, form_values
from tests.factories import (
    make_account,
)

NEW = "/accounts/neu/"

FORM = "@id='account-form'"

SECRET = "mein-Geheimnis-77"

MINIMAL = {
    "imap-display_name": ["Support"],
    "imap-email": ["support@firma.example"],
    "imap-imap_host": ["imap.firma.example"],
    "imap-password": [SECRET],
}


def page_of(account: MailAccount) -> str:
    return reverse("mailaccounts:edit", args=[account.pk])


def values_of(client: Client, page: str) -> Values:
    return form_values(client.get(page), FORM)


def post_new(client: Client, **changes: list[str]) -> Any:
    return client.post(NEW, values_of(client, NEW) | MINIMAL | changes)


def make_stored(**values: Any) -> MailAccount:
    """An account at a host of its own with a stored IMAP password that SMTP uses as well."""
    account = make_account(
        "info@firma.example",
        **{
            "imap_host": "imap.firma.example",
            "imap_encryption": "ssl",
            "smtp_host": "smtp.firma.example",
            "smtp_encryption": "ssl",
            "smtp_port": 465,
            "smtp_auth": "none",
            **values,
        },
    )
    account.smtp_auth = values.get("smtp_auth", "password")
    account.imap_secret = seal(SECRET, imap_binding(account))
    account.save()
    return account


def errors_of(response: Any) -> str:
    html = response.content.decode()
    assert response.status_code == 422, html
    return str(html)
