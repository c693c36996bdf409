"""Passwords on the account page never come back and go to no other server."""

from __future__ import annotations

import pytest
from django.test import Client

from mailaccounts.connect import imap_login, smtp_login
from mailaccounts.models import MailAccount
from tests.factories import (
    set_company,
)
from tests.mailaccounts.account_page import (
    NEW,
    SECRET,
    errors_of,
    make_stored,
    page_of,
    post_new,
    values_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("admin")]


def test_no_password_ever_reaches_the_browser(client: Client) -> None:
    account = make_stored(smtp_auth="password")
    account.smtp_secret = account.imap_secret
    account.save()
    html = client.get(page_of(account)).content.decode()
    assert "gespeichert" in html
    refused = client.post(
        page_of(account),
        values_of(client, page_of(account))
        | {
            "imap-password": ["neu-getippt-88"],
            "smtp-password": ["zwei-getippt"],
            "imap-email": ["kein"],
        },
    )
    for text in (html, errors_of(refused)):
        for secret in (SECRET, "neu-getippt-88", "zwei-getippt", account.imap_secret):
            assert secret not in text


def test_a_refused_page_asks_for_the_typed_password_again(client: Client) -> None:
    """It is neither stored nor shown, so nothing may look as if it were."""
    html = errors_of(post_new(client, **{"imap-display_name": [""]}))
    assert "Bitte geben Sie das Passwort noch einmal ein" in html
    assert "gespeichert" not in html


@pytest.mark.parametrize(
    "change",
    [
        {"imap-imap_host": ["imap.boese.example"]},
        {"imap-imap_port": ["1993"]},
        {"imap-imap_encryption": ["none"]},
        {"imap-username": ["wer-anders"]},
    ],
)
def test_another_login_demands_the_password_again(
    client: Client, change: dict[str, list[str]]
) -> None:
    account = make_stored(smtp_enabled=False)
    values = values_of(client, page_of(account)) | change
    assert "Bitte geben Sie das Passwort noch einmal ein" in errors_of(
        client.post(page_of(account), values)
    )
    assert MailAccount.objects.get().imap_host == "imap.firma.example"
    assert client.post(page_of(account), values | {"imap-password": ["neu"]}).status_code == 302
    assert imap_login(MailAccount.objects.get()).password == "neu"


def test_the_imap_password_goes_to_no_other_smtp_server(client: Client) -> None:
    account = make_stored()
    page = page_of(account)
    values = values_of(client, page)
    assert client.post(page, values).status_code == 302
    elsewhere = values | {"smtp-smtp_host": ["smtp.boese.example"]}
    assert "wurde nicht für diesen SMTP-Server eingegeben" in errors_of(
        client.post(page, elsewhere)
    )
    assert client.post(page, elsewhere | {"smtp-password": ["anderes"]}).status_code == 302
    assert smtp_login(MailAccount.objects.get()).password == "anderes"
    assert imap_login(MailAccount.objects.get()).password == SECRET
    back = values_of(client, page) | {"smtp-use_imap_password": ["on"]}
    assert "wurde nicht für diesen SMTP-Server" in errors_of(client.post(page, back))
    assert client.post(page, back | {"imap-password": ["beide"]}).status_code == 302
    assert smtp_login(MailAccount.objects.get()).password == "beide"


def test_switching_smtp_on_later_asks_for_the_password(client: Client) -> None:
    account = make_stored(smtp_enabled=False)
    page = page_of(account)
    values = values_of(client, page) | {"smtp-smtp_enabled": ["on"]}
    assert "wurde nicht für diesen SMTP-Server" in errors_of(client.post(page, values))


def test_signing_in_at_a_provider_is_offered_where_its_app_is_set_up(client: Client) -> None:
    assert 'value="google"' not in client.get(NEW).content.decode()
    set_company(oauth_google_client_id="app-1", oauth_google_secret="sealed")
    html = client.get(NEW).content.decode()
    assert html.count('value="google"') == 2
    assert 'value="microsoft"' not in html
    response = post_new(client, **{"imap-imap_auth": ["google"], "imap-password": [""]})
    assert response.status_code == 302  # no password is needed
    account = MailAccount.objects.get()
    tested = client.post(
        f"{page_of(account)}test/",
        values_of(client, page_of(account)) | {"imap-imap_host": ["imap.gmail.com"]},
    )
    assert "Die Anmeldung beim Anbieter fehlt" in tested.content.decode()
