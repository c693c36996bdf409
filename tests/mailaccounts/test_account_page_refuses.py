"""The account page names bad input at its field, and has what deletes confirmed."""

from __future__ import annotations

import pytest
from django.test import Client

from mailaccounts.models import MailAccount
from tests.factories import (
    make_account,
)
from tests.mailaccounts.account_page import (
    errors_of,
    make_stored,
    page_of,
    post_new,
    values_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("admin")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imap-email": [""]}, "id_imap-email_error"),
        ({"imap-email": ["SUPPORT@vergeben.example"]}, "gibt es schon einen Account"),
        ({"imap-imap_host": [""]}, "Bitte geben Sie den IMAP-Server ein"),
        ({"imap-imap_host": ["https://imap.firma.example"]}, "nur den Namen des Servers"),
        ({"imap-imap_host": ["imap.firma.example:993"]}, "nur den Namen des Servers"),
        ({"imap-imap_port": ["70000"]}, "id_imap-imap_port_error"),
        ({"imap-password": [""]}, "Bitte geben Sie das Passwort ein"),
        ({"imap-copy_to_sent": ["on"], "imap-sent_folder": [""]}, "Bitte den Ordner nennen"),
        ({"smtp-smtp_enabled": ["on"]}, "Bitte geben Sie den SMTP-Server ein"),
        ({"smtp-allowed": ["rechnung(at)firma"]}, "weder eine E-Mail-Adresse noch eine Domain"),
        ({"ticket-delete_on_server": ["on"]}, "nur mit Ticketsystem oder Archiv"),
        (
            {"ticket-delete_on_server": ["on"], "archive-archive_enabled": ["on"]},
            "Gelöschte E-Mails holt niemand zurück",
        ),
        ({"archive-archive_forward_to": ["support@firma.example"]}, "liefen im Kreis"),
        ({"archive-archive_forward_to": ["support@vergeben.example"]}, "liefen im Kreis"),
        ({"archive-archive_days": ["-1"]}, "id_archive-archive_days_error"),
        ({"autoresponder-is_active": ["on"]}, "Bitte geben Sie einen Betreff ein"),
        (
            {
                "autoresponder-is_active": ["on"],
                "autoresponder-subject": ["Nr. {TICKET}"],
                "autoresponder-text": ["Danke"],
            },
            "legt keine Tickets an",
        ),
        ({"signature-signature_active": ["on"]}, "Bitte geben Sie eine Signatur ein"),
        (
            {"signature-signature_active": ["on"], "signature-signature_html": ["<p>&nbsp;</p>"]},
            "Bitte geben Sie eine Signatur ein",
        ),
        (
            {
                "folders-TOTAL_FORMS": ["2"],
                "folders-1-name": ["Inbox"],
                "folders-1-purpose": ["archive"],
            },
            "steht schon in der Liste",
        ),
    ],
)
def test_bad_input_is_named_at_its_field(
    client: Client, change: dict[str, list[str]], message: str
) -> None:
    make_account("support@vergeben.example")
    assert message in errors_of(post_new(client, **change))
    assert MailAccount.objects.count() == 1


def test_no_days_means_never(client: Client) -> None:
    post_new(client, **{"archive-archive_enabled": ["on"], "archive-archive_days": ["0"]})
    assert MailAccount.objects.get().archive_days is None


def test_deleting_on_the_server_is_confirmed_once(client: Client) -> None:
    account = make_stored(tickets_enabled=True)
    page = page_of(account)
    values = values_of(client, page) | {"ticket-delete_on_server": ["on"]}
    errors_of(client.post(page, values | {"ticket-delete_confirmation": ["ja"]}))
    assert not MailAccount.objects.get().delete_on_server
    typed = values | {"ticket-delete_confirmation": ["INFO@firma.example "]}
    assert client.post(page, typed).status_code == 302
    assert MailAccount.objects.get().delete_on_server
    assert client.post(page, values_of(client, page)).status_code == 302


def test_odd_combinations_are_shown_and_not_in_the_way(client: Client) -> None:
    response = post_new(client, **{"imap-imap_encryption": ["none"]})
    assert response.status_code == 302
    html = client.get(response["Location"]).content.decode()
    assert "Port 993 gehört zu SSL/TLS" in html
    assert "Das Passwort ist unterwegs lesbar" in html
