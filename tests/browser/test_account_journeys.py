"""Accounts in a real browser: set up, repaired, signed, connected with Google, kept apart."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from mailcore.parse import parse, read_part
from tests.browser.office import INVOICES, SUPPORT, Office, customer_mail, open_office, press
from tests.browser.test_journeys import (
    SOON,
    become_the_first_administrator,
    open_ticket,
    wait_until_connected,
)
from tests.flows.installation import EMBEDDED, installed, wait_until
from tests.flows.provisioning import account
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD as MAILBOX_PASSWORD
from tests.servers.dovecot import Dovecot
from tests.servers.free_port import free_port
from tests.servers.name_server import NameServer, name_server
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tests.servers.smtp_sink import Sink

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]

FRAGILE, GOOGLE = "versand@firma.example", "klein@gmail.example"
PETRAS, MAXS = "petra@firma.example", "max@firma.example"
QUESTION = "Wann wird geliefert?"
LOGO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

_MORE = f"""
[company.google]
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"

[[users]]
username = "anna"
first_name = "Anna"
last_name = "Admin"
email = "anna@firma.example"
role = "admin"
password = "geheim-geheim"

[[employees]]
name = "Petra Klein"
email = "{PETRAS}"
user = "petra"

[[employees]]
name = "Max Gross"
email = "{MAXS}"
user = "max"
"""

_GOOGLE_ACCOUNT = """
[[accounts]]
email = "{email}"
display_name = "Petra Klein"
description = "Petras Google-Postfach"
employees = ["Petra Klein"]

[accounts.imap]
host = "localhost"
port = {port}
encryption = "ssl"
auth = "google"
username = "{email}"
"""


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory,
    dovecot: Dovecot,
    oauth_dovecot: Dovecot,
    _authorization: AuthorizationServer,
) -> Iterator[Office]:
    """With anna (Administrator), mailboxes of petra's and max's own, and a ticket."""
    with open_office(
        tmp_path_factory.mktemp("accounts"),
        dovecot,
        people=True,
        more=lambda sink: _more(dovecot, oauth_dovecot, sink),
        POSTSTELLE_TLS_CA_FILE=_authorization.ca_file,
        POSTSTELLE_OAUTH_GOOGLE_URL=_authorization.base_url,
    ) as opened:
        dovecot.deliver(SUPPORT, customer_mail(QUESTION, "Bitte um Auskunft."))
        wait_until(
            lambda: len(opened.installation.ask("received")["message_ids"]) == 1,
            seconds=60,
            what=f"the mail is a ticket\n{opened.installation.log_end()}",
        )
        yield opened


def _more(dovecot: Dovecot, oauth_dovecot: Dovecot, sink: Sink) -> str:
    personal = [
        account(dovecot, sink, email).replace(
            "default = false", f'default = false\nemployees = ["{name}"]'
        )
        for email, name in ((PETRAS, "Petra Klein"), (MAXS, "Max Gross"))
    ]
    google = _GOOGLE_ACCOUNT.format(email=GOOGLE, port=oauth_dovecot.imaps_port)
    return "".join((_MORE, *personal, account(dovecot, sink, FRAGILE), google))


def account_row(page: Page, email: str) -> Locator:
    return page.locator("tbody tr", has_text=email)


def wait_for_state(page: Page, email: str, state: str) -> None:
    """The list does not follow the state by itself: a person looks again."""

    def is_so() -> bool:
        page.goto("/accounts/")
        return account_row(page, email).locator(".badge", has_text=state).count() == 1

    wait_until(is_so, seconds=60, what=f"{email} is „{state}“")


def open_account(page: Page, email: str) -> None:
    page.goto("/accounts/")
    account_row(page, email).get_by_role("link").first.click()
    expect(page.locator("#id_imap-email")).to_have_value(email)


def save_account(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Account speichern").click()
    expect(page.locator("#account-form [aria-invalid=true]")).to_have_count(0)


def test_the_first_account_is_found_by_its_address(
    tmp_path: Path,
    dovecot: Dovecot,
    starttls_sink: Sink,
    certificates: Certificates,
    office: Office,
) -> None:
    records = {
        ("_imaps._tcp.neu.example.", "SRV"): [f"0 1 {dovecot.imaps_port} localhost."],
        ("_submission._tcp.neu.example.", "SRV"): [f"0 1 {starttls_sink.port} localhost."],
    }
    settings = {"POSTSTELLE_TLS_CA_FILE": str(certificates.ca_file)}
    with (
        name_server(NameServer(records)) as names,
        installed(EMBEDDED, tmp_path, POSTSTELLE_DNS_SERVER=names.address, **settings) as empty,
    ):
        empty.start()
        with replace(office, installation=empty).visitor() as page:
            page.goto("/")
            become_the_first_administrator(page)
            page.goto("/einrichtung/")
            page.get_by_role("link", name="Account anlegen").click()
            page.locator("#id_imap-display_name").fill("Neue Firma")
            take_what_is_offered(page, dovecot, starttls_sink)
            page.locator("#id_imap-password").fill(MAILBOX_PASSWORD)
            all_is_well(page)
            page.get_by_role("button", name="Account speichern").click()
            page.goto("/accounts/")
            expect(account_row(page, "info@neu.example")).to_be_visible()
            wait_until_connected(page)


def take_what_is_offered(page: Page, dovecot: Dovecot, sink: Sink) -> None:
    page.locator("#id_imap-email").fill("info@neu.example")
    page.keyboard.press("Tab")
    offer = page.locator("#discovered .suggestion")
    expect(offer).to_have_count(1)
    expect(offer).to_contain_text("Server, die diese Domain angibt")
    expect(offer).to_contain_text(f"IMAP: localhost, Port {dovecot.imaps_port}, SSL")
    expect(offer).to_contain_text(f"SMTP: localhost, Port {sink.port}, STARTTLS")
    expect(page.locator("#id_imap-imap_host")).to_have_value("")
    offer.get_by_role("button", name="Übernehmen").click()
    expect(page.locator("#id_imap-imap_host")).to_have_value("localhost")
    expect(page.locator("#id_imap-imap_port")).to_have_value(str(dovecot.imaps_port))
    expect(page.locator("#id_imap-username")).to_have_value("info@neu.example")
    expect(page.locator("#id_smtp-smtp_enabled")).to_be_checked()
    expect(page.locator("#id_smtp-smtp_port")).to_have_value(str(sink.port))
    expect(page.locator("#id_smtp-smtp_encryption")).to_have_value("starttls")


def all_is_well(page: Page) -> None:
    page.get_by_role("button", name="Verbindung testen").click()
    parts = page.locator("#test .test-parts > div")
    expect(parts).to_have_count(2)
    for part in (parts.nth(0), parts.nth(1)):
        expect(part.locator(".step.ok", has_text="Anmeldung")).to_be_visible(timeout=SOON)
    expect(page.locator("#test .step.ok", has_text="Posteingang")).to_be_visible(timeout=SOON)
    expect(page.locator("#test .step.err")).to_have_count(0)


def test_a_broken_account_is_diagnosed_and_repaired(office: Office) -> None:
    with office.person("anna") as page:
        wait_for_state(page, FRAGILE, "verbunden")
        change_port(page, free_port())
        wait_for_state(page, FRAGILE, "Störung")
        row = account_row(page, FRAGILE)
        expect(row).to_contain_text("Der Server weist die Verbindung ab.")
        banner = page.locator(".banner.err", has_text="gestört")
        expect(banner.get_by_role("link", name="Ansehen")).to_have_attribute("href", "/accounts/")
        open_account(page, FRAGILE)
        remedy = page.locator(".step-remedy[role=status]")
        expect(remedy).to_contain_text("Der Port stimmt vermutlich nicht.")
        expect(remedy).to_contain_text("Störung seit")
        change_port(page, office.dovecot.imap_port)
        wait_for_state(page, FRAGILE, "verbunden")
        expect(account_row(page, FRAGILE)).not_to_contain_text("weist die Verbindung ab")


def change_port(page: Page, port: int) -> None:
    """The password is good for the very server it was typed for: it is asked for again."""
    open_account(page, FRAGILE)
    page.locator("#id_imap-imap_port").fill(str(port))
    page.locator("#imap .stored-password").get_by_text("Ändern").click()
    page.locator("#id_imap-password").fill(MAILBOX_PASSWORD)
    save_account(page)


def test_a_signature_with_a_logo_stands_under_the_reply(office: Office) -> None:
    with office.person("anna") as page:
        write_signature(page)
    with office.person("petra") as page:
        open_ticket(page, QUESTION)
        press(page, "r")
        expect(page.locator("#composer-signature")).to_contain_text("Gruß aus Augsburg, Petra")
        page.locator("#composer-form .editor-area").click()
        page.keyboard.type("Am Montag.")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".toast", has_text="gesendet")).to_be_visible()
        reply = office.sink.wait_for_recipient("hans@huber.example", seconds=60)
    sent = parse(reply.raw)
    assert "Am Montag." in sent.text
    assert "Gruß aus Augsburg, Petra Klein" in sent.text
    assert "MITARBEITER" not in sent.text + sent.html
    (picture,) = sent.attachments
    assert (picture.content_type, picture.is_inline) == ("image/png", True)
    assert f"cid:{picture.content_id}" in sent.html
    assert "data:" not in sent.html
    assert read_part(reply.raw, picture.path) == LOGO


def write_signature(page: Page) -> None:
    open_account(page, SUPPORT)
    page.locator("#id_signature-signature_active").check()
    panel = page.locator("#signature")
    area = panel.locator(".editor-area")
    area.click()
    page.keyboard.type("Gruß aus Augsburg, ")
    panel.get_by_text("Variable", exact=True).click()
    panel.get_by_role("button", name="{MITARBEITER}", exact=True).click()
    with page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Bild einfügen").click()
    logo: FilePayload = {"name": "logo.png", "mimeType": "image/png", "buffer": LOGO}
    chooser.value.set_files(logo)
    expect(area.locator("img[alt=logo]")).to_have_count(1)
    save_account(page)


def test_a_google_mailbox_is_connected_and_given_up(
    office: Office, authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    back = f"{office.installation.url}/accounts/anmeldung/google/zurueck/"
    authorization.redirect_uris = (back,)
    with office.person("petra") as page:
        page.goto("/persoenlich/")
        page.get_by_role("link", name="Mein GoogleMail Konto").click()
        expect(page.locator("main")).to_contain_text("wartet auf eine Anmeldung")
        page.get_by_role("link", name="Anmelden").click()
        expect(page.get_by_role("heading", name="Zugriff erlauben?")).to_be_visible()
        expect(page.get_by_label("Adresse")).to_have_value(GOOGLE)
        page.get_by_role("button", name="Zulassen").click()
        expect(page.locator("body")).to_contain_text(f"Sie sind als {GOOGLE} angemeldet")
        card = page.locator("section.card", has=page.get_by_role("heading", name=GOOGLE))
        wait_until_fetched(page, card)
        card.get_by_role("button", name="Trennen").click()
        page.locator("dialog:modal").get_by_role("button", name="Trennen").click()
        expect(page.locator("body")).to_contain_text("getrennt, der Zugriff ist widerrufen")
        expect(card).to_have_count(0)
        expect(page.locator("main")).to_contain_text("wartet auf eine Anmeldung")
    assert [path for path, _ in authorization.requests if path == "/revoke"]


def wait_until_fetched(page: Page, card: Locator) -> None:
    """The mailbox itself has let us in with the token."""

    def is_connected() -> bool:
        page.reload()
        return card.locator(".card-body .badge.ok", has_text="verbunden").count() == 1

    wait_until(is_connected, seconds=60, what="the mailbox is connected by its token")


def test_nobody_is_offered_a_colleagues_address(office: Office) -> None:
    _, url = office.add_invoice()
    for username, own, other in (("petra", PETRAS, MAXS), ("max", MAXS, PETRAS)):
        with office.person(username) as page:
            open_ticket(page, QUESTION)
            press(page, "r")
            senders = page.locator("#composer-form select[name=sender]")
            for address in (SUPPORT, INVOICES, own):
                expect(senders).to_contain_text(address)
            expect(senders).not_to_contain_text(other)
    with office.person("max") as page:
        page.goto(f"{url}abschicken/")
        senders = page.locator("#dispatch-content").get_by_label("Absender")
        for address in (INVOICES, MAXS):
            expect(senders).to_contain_text(address)
        expect(senders).not_to_contain_text(PETRAS)
