"""Whole working days in a real browser: against a running installation and real mail servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from mailcore.parse import parse, read_part
from tests.browser.office import (
    INVOICES,
    PASSWORD,
    SUPPORT,
    Office,
    customer_mail,
    open_office,
    press,
)
from tests.flows.installation import EMBEDDED, installed, wait_until
from tests.servers.dovecot import PASSWORD as MAILBOX_PASSWORD
from tests.servers.dovecot import Dovecot
from tests.servers.free_port import LOOPBACK

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]

SOON = 30_000  # milliseconds: what waits for mail on its way
HOSTILE = (
    "<p>Sehr geehrte Damen</p><script>window.top.ran = 1; window.ran = 1</script>"
    '<img src="https://zaehler.invalid/a.gif" onerror="window.top.ran = 2">'
    '<img src="http://zaehler.invalid/b.gif"><iframe src="https://zaehler.invalid/c"></iframe>'
    '<svg onload="window.top.ran = 3"></svg><a href="javascript:window.top.ran=4">Angebot</a>'
    '<form action="https://zaehler.invalid/d"><input name="x"></form>'
    '<div style="background:url(https://zaehler.invalid/e.gif)">Gruß</div>'
    '<link rel="stylesheet" href="https://zaehler.invalid/f.css">'
)
QUESTION, TRAP, THIRD = "Wo bleibt die Ware?", "Gewinnbenachrichtigung", "Dritte Anfrage"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Office]:
    """Three mails have arrived and are tickets."""
    with open_office(tmp_path_factory.mktemp("office"), dovecot, people=True) as opened:
        dovecot.deliver(
            SUPPORT,
            customer_mail(THIRD, "Bitte um Rückruf."),
            customer_mail(TRAP, "Text", html=HOSTILE),
            customer_mail(QUESTION, "Seit drei Wochen warte ich."),
        )
        wait_until(
            lambda: len(opened.installation.ask("received")["message_ids"]) == 3,
            seconds=60,
            what=f"three mails are tickets\n{opened.installation.log_end()}",
        )
        yield opened


def row(page: Page, subject: str) -> Locator:
    return page.locator("#rows .row", has_text=subject)


def open_ticket(page: Page, subject: str) -> None:
    page.goto("/tickets/?ansicht=alle")
    row(page, subject).locator(".row-main").click()
    expect(page.locator("#ticket h2")).to_have_text(subject)


def test_a_support_day(office: Office) -> None:
    with office.person("petra") as page:
        open_ticket(page, QUESTION)
        expect(page.locator("#conversation")).to_contain_text("Seit drei Wochen warte ich.")
        answer_and_call_back(page)
        page.keyboard.press("Control+Enter")
        (reply,) = office.sink.wait_for(1, seconds=30)
        assert (reply.envelope_from, reply.username) == (SUPPORT, SUPPORT)
        assert reply.recipients == ("hans@huber.example",)
        assert "Die Ware kommt morgen." in parse(reply.raw).text
        expect(page.locator(".message.own .badge").last).to_have_text("gesendet", timeout=SOON)
        write_note(page)
        page.locator("#ticket-status").select_option(label="klären")
        expect(page.locator("#ticket-head .badge")).to_have_text("klären")
        expect(row(page, QUESTION).locator(".badge").first).to_have_text("klären")
        back = customer_mail(
            "AW: etwas anderes",
            "Vielen Dank, die Ware ist da.",
            answers=parse(reply.raw).message_id,
        )
        office.dovecot.deliver(SUPPORT, back)
        page.get_by_role("button", name="Neue Nachricht von Hans Huber").click(timeout=SOON)
        expect(page.locator("#conversation")).to_contain_text("die Ware ist da")
        expect(page.locator("#ticket h2")).to_have_text(QUESTION)
        assert len(office.sink.received) == 1, "the answer called back never left"


def answer_and_call_back(page: Page) -> None:
    press(page, "r")
    editor = page.locator("#composer-form .editor-area")
    expect(editor).to_be_focused()
    page.keyboard.type("Die Ware kommt morgen.")
    page.keyboard.press("Control+Enter")
    toast = page.locator(".toast", has_text="gesendet")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Rückgängig").click()
    expect(editor).to_contain_text("Die Ware kommt morgen.")
    expect(page.locator("#conversation")).to_contain_text("zurückgeholt und nicht gesendet")
    editor.focus()


def write_note(page: Page) -> None:
    page.locator("#ticket h2").click()
    press(page, "n")
    field = page.get_by_label("Text der Notiz")
    expect(field).to_be_focused()
    field.fill("Kunde ist verärgert, bitte vorziehen.")
    page.keyboard.press("Control+Enter")
    note = page.locator("#conversation .message.note")
    expect(note).to_contain_text("bitte vorziehen")
    expect(field).to_have_count(0)


def test_a_hostile_mail_runs_nothing_and_asks_nobody(office: Office) -> None:
    with office.person("petra") as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        open_ticket(page, TRAP)
        frame = page.frame_locator("iframe.mail-frame")
        expect(frame.get_by_text("Sehr geehrte Damen")).to_be_visible()
        expect(frame.locator(".notice")).to_contain_text(re.compile("3 externe Bilder blockiert"))
        frame.get_by_text("Angebot").click()
        assert not [url for url in asked if "/bild/" in url]
        with page.expect_response(lambda response: "/bild/" in response.url):
            frame.get_by_role("link", name="Bilder anzeigen").click()
        expect(frame.locator(".notice")).to_have_count(0)
        page.wait_for_load_state("networkidle")
        assert all(url.startswith(office.installation.url) for url in asked), asked
        assert page.evaluate("window.ran") is None
        expect(frame.locator("script, iframe, form, svg, link")).to_have_count(0)


def test_a_whole_inbox_by_keyboard(office: Office) -> None:
    with office.person("max") as page:
        page.goto("/tickets/?ansicht=alle", wait_until="networkidle")
        rows = page.locator("#rows .row")
        for key, place in (("j", 0), ("j", 1), ("k", 0), ("j", 1)):
            page.keyboard.press(key)
            expect(rows.nth(place)).to_have_class(re.compile("cursor"))
        page.goto("/tickets/?ansicht=alle&q=betreff:dritte", wait_until="networkidle")
        press(page, "j")
        page.keyboard.press("Enter")
        expect(page.locator("#ticket h2")).to_have_text(THIRD)
        page.keyboard.press("?")
        expect(page.locator("dialog[data-help]")).to_contain_text("Mir zuordnen")
        page.keyboard.press("Escape")
        press(page, "z")
        expect(page.locator("#ticket-assignee option:checked")).to_contain_text("Max Gross")
        nothing_happens_inside_inputs(page)
        press(page, "r")
        expect(page.locator("#composer-form .editor-area")).to_be_focused()
        page.keyboard.type("nrze?jk")
        expect(page.locator("#composer-form .editor-area")).to_contain_text("nrze?jk")
        expect(page.locator("dialog:modal")).to_have_count(0)
        expect(page.locator("#ticket-head .badge")).to_have_text("neu")
        page.locator("#ticket h2").click()
        press(page, "e")
        expect(page.locator("#ticket-head .badge")).to_have_text("abgeschlossen")


def nothing_happens_inside_inputs(page: Page) -> None:
    press(page, "/")
    search = page.get_by_label("Tickets suchen")
    expect(search).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("rnze?")
    expect(search).to_have_value("betreff:dritternze?")
    expect(page.locator("#composer-form")).to_have_count(0)
    expect(page.locator("dialog:modal")).to_have_count(0)
    page.locator("#ticket h2").click()


def test_an_invoice_leaves_and_says_so(office: Office) -> None:
    number, url = office.add_invoice()
    with office.person("max") as page:
        page.goto(url)
        expect(page.locator("#document-banner")).to_contain_text("noch nicht freigegeben")
        expect(page.get_by_role("link", name="abschicken")).to_have_count(0)
        page.goto(f"{url}abschicken/")
        expect(page.locator("#dispatch-content")).to_contain_text("zuerst frei")
        page.get_by_role("button", name="Rechnung abschicken").click()
        expect(page.locator("#errors, .errors").first).to_contain_text("freigegeben")
        page.goto(url)
        page.get_by_role("button", name="Freigeben").click()
        page.get_by_role("link", name="abschicken", exact=True).click()
        dialog = page.locator("#dispatch-dialog")
        expect(dialog.get_by_label("An", exact=True)).to_contain_text("hans@huber.example")
        expect(dialog.get_by_label("Betreff")).to_have_value(re.compile(number))
        expect(dialog.locator(".editor-area")).to_contain_text("Huber")
        refuse_own_address(page, dialog)
        preview(page, dialog, number)
        dialog.get_by_label("Sonstiges").check()
        dialog.get_by_role("button", name="Rechnung abschicken").click()
        expect(dialog.locator(".result-line")).to_have_count(2)
        expect(dialog.locator(".result-line", has_text="E-Mail")).to_contain_text(
            "gesendet", timeout=SOON
        )
        dialog.get_by_role("button", name="Schließen").last.click()
        expect(page.locator("#document-history tbody tr")).to_have_count(2)
        expect(page.locator("#document-history tr", has_text="E-Mail")).to_contain_text(
            "gesendet", timeout=SOON
        )
        expect(page.locator("#document-state")).to_have_text("versendet", timeout=SOON)
        shown = page.request.get(f"{url}pdf/").body()
    received = next(r for r in office.sink.received if r.envelope_from == INVOICES)
    assert received.recipients == ("hans@huber.example",)
    (attached,) = parse(received.raw).attachments
    assert read_part(received.raw, attached.path) == shown
    assert shown.startswith(b"%PDF")


def refuse_own_address(page: Page, dialog: Locator) -> None:
    """No account may send as max's own address: the message names it, nothing is lost."""
    sender = dialog.get_by_label("Absender")
    sender.select_option("benutzer")
    dialog.get_by_role("button", name="Rechnung abschicken").click()
    expect(dialog.locator("#id_sender_error")).to_contain_text("max@woanders.example")
    expect(page.locator("#document-history tbody tr")).to_have_count(0)
    sender.select_option("firma")


def preview(page: Page, dialog: Locator, number: str) -> None:
    dialog.get_by_role("button", name="Vorschau").click()
    shown = page.locator("#preview-slot")
    expect(shown).to_contain_text(f"RE{number}.pdf")
    expect(shown).to_contain_text("hans@huber.example")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()


def test_from_nothing_to_the_first_ticket(
    tmp_path: Path, dovecot: Dovecot, mailbox: str, office: Office
) -> None:
    with installed(EMBEDDED, tmp_path) as empty:
        empty.start()
        with replace(office, installation=empty).visitor() as page:
            page.goto("/")
            become_the_first_administrator(page)
            fill_in_the_company(page)
            add_the_account(page, dovecot, mailbox)
            page.goto("/tickets/?ansicht=alle")
            expect(page.locator("#list-pane")).to_contain_text("Noch gibt es kein Ticket.")
            page.evaluate("window.sameDocument = true")
            dovecot.deliver(mailbox, customer_mail("Erste Anfrage", "Guten Tag"))
            page.get_by_role("button", name="1 Ticket mit Neuem").click(timeout=SOON)
            expect(row(page, "Erste Anfrage")).to_be_visible()
            assert page.evaluate("window.sameDocument"), "the page was loaded again"


def become_the_first_administrator(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Willkommen bei Poststelle")
    page.get_by_label("Name der Firma").fill("Neue Firma GmbH")
    page.get_by_label("Ihr Name").fill("Nora Neu")
    page.get_by_label("Benutzername").fill("nora")
    page.get_by_label("E-Mail-Adresse").fill("nora@neu.example")
    page.get_by_label("Passwort", exact=False).first.fill(PASSWORD)
    page.get_by_label("Passwort wiederholen").fill(PASSWORD)
    page.get_by_role("button", name="Poststelle einrichten").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Einrichtung")


def fill_in_the_company(page: Page) -> None:
    page.get_by_role("link", name="Grundeinstellungen öffnen").click()
    expect(page.locator("#id_name")).to_have_value("Neue Firma GmbH")
    page.locator("#id_city").fill("Augsburg")
    page.get_by_role("button", name="speichern").first.click()
    expect(page.locator("body")).to_contain_text("gespeichert")
    expect(page.locator("#id_city")).to_have_value("Augsburg")


def add_the_account(page: Page, dovecot: Dovecot, mailbox: str) -> None:
    """With the wrong password first: the test says what is wrong and what to do."""
    page.goto("/einrichtung/")
    page.get_by_role("link", name="Account anlegen").click()
    page.locator("#id_imap-display_name").fill("Neue Firma")
    page.locator("#id_imap-email").fill(mailbox)
    page.locator("#id_imap-imap_host").fill(LOOPBACK)
    page.locator("#id_imap-imap_port").fill(str(dovecot.imap_port))
    page.locator("#id_imap-imap_encryption").select_option("none")
    page.locator("#id_imap-password").fill("falsch")
    page.get_by_label("Ticket-System aktivieren").check()
    page.get_by_role("button", name="Verbindung testen").click()
    failed = page.locator("#test .step.err")
    expect(failed).to_contain_text("Anmeldung")
    expect(failed).to_contain_text("So beheben:")
    expect(failed).to_contain_text("Passwort")
    page.locator("#id_imap-password").fill(MAILBOX_PASSWORD)
    page.get_by_role("button", name="Verbindung testen").click()
    expect(page.locator("#test .step.ok").last).to_contain_text("Posteingang", timeout=SOON)
    expect(failed).to_have_count(0)
    page.get_by_role("button", name="Account speichern").click()
    page.goto("/accounts/")
    expect(page.locator("tbody tr", has_text=mailbox)).to_be_visible()
    wait_until_connected(page)


def wait_until_connected(page: Page) -> None:
    """The list does not follow the state by itself: a person looks again."""

    def is_connected() -> bool:
        page.reload()
        return page.locator("tbody tr .badge.ok", has_text="verbunden").count() == 1

    wait_until(is_connected, seconds=30, what="the account is connected")
