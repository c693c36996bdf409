"""The connection test on the account page: the form's values, saved or not; stored passwords stay home."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mailaccounts.models import MailAccount
from tests.browser_forms import Values, form_values
from tests.factories import make_account, make_user
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.scripted import imap_script, run_scripted

pytestmark = pytest.mark.django_db

NEW = "/accounts/neu/"
FORM = "@id='account-form'"


@pytest.fixture(autouse=True)
def trusted(client: Client, settings: Any, dovecot: Dovecot) -> None:
    settings.TLS_CA_FILE = dovecot.ca_file
    client.force_login(make_user("chefin", role="admin"))


def values_for(client: Client, dovecot: Dovecot, mailbox: str, page: str = NEW) -> Values:
    return form_values(client.get(page), FORM) | {
        "imap-display_name": ["A"],
        "imap-email": [mailbox],
        "imap-imap_host": ["localhost"],
        "imap-imap_port": [str(dovecot.imaps_port)],
        "imap-imap_encryption": ["ssl"],
        "imap-password": [PASSWORD],
    }


def follow(client: Client, page: str, values: Values) -> str:
    """All the answers of a test, one request after the other as htmx does it."""
    seen = [client.post(f"{page}test/", values).content.decode()]
    waiting = re.findall(r'hx-post="([^"]+)"', seen[0])
    while waiting:
        seen.append(client.post(waiting.pop(0), values).content.decode())
        waiting += re.findall(r'hx-post="([^"]+)"', seen[-1])
    return "\n".join(seen)


def test_unsaved_values_are_tested_and_nothing_is_saved(
    client: Client, dovecot: Dovecot, mailbox: str
) -> None:
    text = follow(client, NEW, values_for(client, dovecot, mailbox))
    for words in ("Servername auflösen", "Zertifikat gültig", "angemeldet als", "0 Nachrichten"):
        assert words in text
    assert "So beheben" not in text
    assert PASSWORD not in text
    assert not MailAccount.objects.exists()


def test_what_fails_ends_the_test_with_a_remedy(
    client: Client, dovecot: Dovecot, mailbox: str
) -> None:
    values = values_for(client, dovecot, mailbox) | {"imap-password": ["falsch-geraten"]}
    text = follow(client, NEW, values)
    assert "So beheben" in text
    assert text.count("übersprungen") == 3
    assert "falsch-geraten" not in text


def test_missing_values_are_named(client: Client, dovecot: Dovecot, mailbox: str) -> None:
    values = values_for(client, dovecot, mailbox)
    text = follow(client, NEW, values | {"imap-imap_host": [""], "imap-display_name": [""]})
    assert "IMAP-Server: Bitte geben Sie den IMAP-Server ein" in text
    assert "Angezeigter Name:" not in text  # not needed for a test


def test_the_stored_password_serves_its_own_server_only(
    client: Client, dovecot: Dovecot, mailbox: str
) -> None:
    client.post(NEW, values_for(client, dovecot, mailbox))
    account = MailAccount.objects.get()
    page = reverse("mailaccounts:edit", args=[account.pk])
    values = values_for(client, dovecot, mailbox, page) | {"imap-password": [""]}
    assert "0 Nachrichten" in follow(client, page, values)
    with run_scripted(imap_script()) as thief:
        elsewhere = {
            "imap-imap_host": ["127.0.0.1"],
            "imap-imap_port": [str(thief.port)],
            "imap-imap_encryption": ["none"],
        }
        text = follow(client, page, values | elsewhere)
        direct = client.post(f"{page}test/imap/3/", values | elsewhere).content.decode()
        folders = client.post(f"{page}ordner/", values | elsewhere).content.decode()
        assert thief.heard == []
    for answer in (text, direct, folders):
        assert "Bitte geben Sie das Passwort noch einmal ein" in answer


def test_folders_are_fetched_and_sent_is_proposed(
    client: Client, dovecot: Dovecot, mailbox: str
) -> None:
    dovecot.append(mailbox, "Aufträge & Größen", [b"Subject: a\r\n\r\n"])
    values = values_for(client, dovecot, mailbox) | {"imap-copy_to_sent": ["on"]}
    html = client.post(f"{NEW}ordner/", values).content.decode()
    assert '<option value="Aufträge &amp; Größen">' in html
    assert '<option value="Sent" selected>' in html
    chosen = client.post(f"{NEW}ordner/", values | {"imap-sent_folder": ["Trash"]}).content.decode()
    assert '<option value="Trash" selected>' in chosen
    wrong = client.post(f"{NEW}ordner/", values | {"imap-password": ["falsch"]}).content.decode()
    assert "Benutzername oder Passwort stimmt nicht" in wrong


def test_there_is_no_such_stage_or_protocol(client: Client, dovecot: Dovecot, mailbox: str) -> None:
    values = values_for(client, dovecot, mailbox)
    assert client.post(f"{NEW}test/imap/9/", values).status_code == 404
    assert client.post(f"{NEW}test/pop3/0/", values).status_code == 404
    assert client.get(f"{NEW}test/").status_code == 405


def test_a_deleted_account_is_not_tested(client: Client) -> None:
    account = make_account()
    client.post(reverse("mailaccounts:delete", args=[account.pk]))
    assert client.post(reverse("mailaccounts:test", args=[account.pk])).status_code == 404
