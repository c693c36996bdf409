"""The account page offers the servers of an address: quickly, with what must be known, or not at all."""

from __future__ import annotations

import json
from functools import partial
from html import unescape
from typing import Any

import pytest
from django.test import Client
from lxml import html as lxml_html

from mailaccounts.oauth_apps import save_oauth_app
from mailcore.discovery import discover
from mailcore.discovery_dns import Service
from mailcore.discovery_presets import ServerGuess
from mailcore.discovery_probe import Finding
from tests.factories import make_account, make_user
from tests.mailcore.test_discovery import FakeResolver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("admin")]

URL = "/accounts/server-suchen/"


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> FakeResolver:
    """No network: what the DNS says is said here, and no server answers anywhere."""
    fake = FakeResolver()

    def nothing(guess: ServerGuess, timeout: float) -> Finding:
        return Finding.NOTHING

    found = partial(discover, probe=nothing, seconds=1.0)
    monkeypatch.setattr("mailaccounts.discovery_views.discover", found)
    monkeypatch.setattr("mailaccounts.discovery_views._resolver", lambda: fake)
    return fake


def offered(client: Client, address: str) -> tuple[str, list[dict[str, Any]]]:
    """The fragment's text and what its buttons fill in."""
    answer = client.get(URL, {"imap-email": address})
    assert answer.status_code == 200
    text = answer.content.decode()
    fragment: Any = lxml_html.fragment_fromstring(text, create_parent=True)
    buttons = fragment.xpath("//@data-fill")
    return unescape(text), [json.loads(str(value)) for value in buttons]


def test_a_known_provider_fills_both_blocks(client: Client, resolver: FakeResolver) -> None:
    text, (values,) = offered(client, "info@gmx.de")
    assert values == {
        "id_imap-username": "info@gmx.de",
        "id_imap-imap_host": "imap.gmx.net",
        "id_imap-imap_port": "993",
        "id_imap-imap_encryption": "ssl",
        "id_imap-imap_auth": "password",
        "id_smtp-smtp_host": "mail.gmx.net",
        "id_smtp-smtp_port": "465",
        "id_smtp-smtp_encryption": "ssl",
        "id_smtp-smtp_enabled": True,
        "id_smtp-smtp_auth": "password",
        "id_smtp-max_connections": "1",
        "id_smtp-messages_per_minute": "20",
        "id_smtp-recipients_per_day": "500",
    }
    assert "Postfach bei GMX" in text
    assert "IMAP muss in den Einstellungen des Postfachs freigeschaltet werden" in text
    assert resolver.asked == []


def test_everything_that_is_filled_in_is_on_the_page(
    client: Client, resolver: FakeResolver
) -> None:
    _text, (values,) = offered(client, "info@gmx.de")
    page: Any = lxml_html.fromstring(client.get("/accounts/neu/").content.decode())
    for name in values:
        assert len(page.xpath(f"//*[@id='{name}']")) == 1, name
    (field,) = page.xpath("//*[@id='id_imap-email']")
    assert (field.get("hx-get"), field.get("hx-trigger")) == (URL, "change")
    assert len(page.xpath(f"//*[@id='{field.get('hx-target')[1:]}']")) == 1


def test_google_with_and_without_a_registration(client: Client, resolver: FakeResolver) -> None:
    text, (values,) = offered(client, "anna@gmail.com")
    assert "App-Passwort" in text
    assert "in den Grundeinstellungen einrichten" in text
    assert values["id_imap-imap_auth"] == "password"
    save_oauth_app("google", client_id="x", client_secret="y")
    text, (values,) = offered(client, "anna@gmail.com")
    assert "App-Passwort" not in text
    assert (values["id_imap-imap_auth"], values["id_smtp-smtp_auth"]) == ("google", "google")


def test_a_companys_domain_by_its_dns(client: Client, resolver: FakeResolver) -> None:
    resolver.mx = ("firma-de.mail.protection.outlook.com",)
    text, found = offered(client, "info@firma.example")
    assert "Microsoft 365" in text
    assert "nimmt kein Passwort an" in text
    assert found[0]["id_imap-imap_host"] == "outlook.office365.com"

    resolver.mx = ()
    resolver.srv = {
        "_imaps._tcp.firma.example": (Service("mail.fremd.example", 993, 0, 0),),
    }
    text, (values,) = offered(client, "info@firma.example")
    assert "andere" in text
    assert "Domain" in text
    assert "id_smtp-smtp_host" not in values


@pytest.mark.parametrize(
    "address",
    ["", "info", "@", "a@b@c", "info@", "<script>@x", "a@[127.0.0.1]", "x" * 5000 + "@gmx.de",
     "info@firma.invalid", "a@\x00.de", "info@-.de"],
)  # fmt: skip
def test_nothing_happens_for_what_is_no_address_or_known_to_nobody(
    client: Client, resolver: FakeResolver, address: str
) -> None:
    text, found = offered(client, address)
    assert (text.strip(), found) == ("", [])


def test_only_for_those_who_change_accounts(client: Client, resolver: FakeResolver) -> None:
    make_account()
    for role in ("staff", "support", "auditor"):
        client.force_login(make_user(role=role))
        assert client.get(URL, {"imap-email": "a@gmx.de"}).status_code == 403
