"""The page of an address in a real browser: writing, telephoning, noting, and what becomes of it."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from mailcore.parse import parse
from tests.browser.office import INVOICES, Office, customer_mail, open_office, press
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Received, Sink
from tests.tickets.letters import PNG

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]

STATIC = Path(__file__).parents[2] / "static"
SOON = 30_000  # milliseconds: what waits for mail on its way
_TEMPLATE = """
[[letter_templates]]
name = "Einladung"
kind = "brief"
subject = "Einladung von {FIRMA}"
text = "<p>{ANREDE},</p><p>wir laden Sie ein.</p>"
"""
_LOGO = base64.b64encode(PNG).decode()


def signature(_sink: Sink) -> str:
    picture = f"<img alt='Logo' src='data:image/png;base64,{_LOGO}'>"
    html = f"<p>Ihre Musterfirma</p>{picture}"
    return f'[company]\nname = "Musterfirma GmbH"\nsignature_html = "{html}"\n{_TEMPLATE}'


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with open_office(folder, dovecot, people=True, more=signature) as opened:
        yield opened


def open_huber(page: Page) -> None:
    page.goto("/adressen/")
    page.get_by_role("link", name="Huber GmbH").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Huber GmbH")


def entry(page: Page, text: str) -> Locator:
    return page.locator("#timeline .pass", has_text=text)


def test_a_mail_from_the_page_and_its_answer(office: Office) -> None:
    with office.person("max") as page:
        open_huber(page)
        press(page, "m")
        expect(page.locator("#mail-subject")).to_be_focused()
        expect(page.locator("#mail-to")).to_have_value("Hans Huber <hans@huber.example>")
        expect(page.locator(".editor-area")).to_contain_text("Sehr geehrter Herr Huber,")
        page.locator("#mail-sender").select_option(INVOICES)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#mail-subject_error")).to_be_visible()
        page.locator("#mail-subject").fill("Muster am Donnerstag")
        page.locator(".editor-area p").nth(1).click()
        page.keyboard.type("die Muster liegen bereit.")
        page.get_by_role("button", name="Vorschau").click()
        expect(page.locator("dialog:modal")).to_contain_text("Vorschau der E-Mail")
        page.keyboard.press("Escape")
        page.locator(".editor-area").click()
        page.keyboard.press("Control+Enter")
        written = entry(page, "Muster am Donnerstag")
        expect(written).to_contain_text("E-Mail geschrieben")
        expect(page.locator("#composer-form")).to_have_count(0)
        (received,) = office.sink.wait_for(1, seconds=30)
        expect(written.locator(".badge")).to_have_text("gesendet", timeout=SOON)
        looks_as_written(received)
        answer = customer_mail(
            "AW: Muster am Donnerstag",
            "Wir kommen zu zweit.",
            answers=parse(received.raw).message_id,
        ).replace(b"To: support@", b"To: rechnung@")
        office.dovecot.deliver(INVOICES, answer)
        expect(entry(page, "Wir kommen zu zweit.")).to_be_visible(timeout=SOON)
        entry(page, "Wir kommen zu zweit.").get_by_role("link", name="#").first.click()
        conversation = page.locator("#conversation")
        expect(conversation.locator(".message").first).to_contain_text("die Muster liegen bereit.")
        expect(conversation.locator(".message").last).to_contain_text("Wir kommen zu zweit.")
        page.locator("#details").get_by_role("link", name="Huber GmbH").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Huber GmbH")


def test_a_template_asks_before_it_replaces_what_was_typed(office: Office) -> None:
    with office.person("max") as page:
        scripts = collect_scripts(page)
        open_huber(page)
        page.keyboard.press("m")
        form, text = page.locator("#composer-form"), page.locator(".editor-area")
        load = form.get_by_role("button", name="Vorlage laden")
        form.get_by_label("Vorlage").select_option(label="Einladung")
        load.click()  # nothing was typed: nothing is asked
        expect(form.get_by_label("Betreff")).to_have_value("Einladung von Musterfirma GmbH")
        expect(text).to_contain_text("wir laden Sie ein.")
        text.click()
        page.keyboard.type("Eigener Satz. ")
        form.get_by_label("Vorlage").select_option(label="Anrede und Gruß")
        load.click()
        question = page.locator("dialog[data-own]")
        expect(question).to_contain_text("Ihr geänderter Text wird durch die Vorlage ersetzt.")
        question.get_by_role("button", name="Abbrechen").click()
        expect(text).to_contain_text("Eigener Satz.")
        load.click()
        question.get_by_role("button", name="Fortfahren").click()
        expect(text).not_to_contain_text("Eigener Satz.")
        assert {"squire.js", "tickets.js", "template.js"} <= {path.name for path in scripts}
        assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in scripts) <= 65_000


def collect_scripts(page: Page) -> set[Path]:
    """The files of all scripts the page fetches from now on."""
    scripts: set[Path] = set()

    def note(request: Request) -> None:
        if request.resource_type == "script":
            served = urlsplit(request.url).path.removeprefix("/static/")
            scripts.add(STATIC / re.sub(r"\.[0-9a-f]{12}(?=\.js$)", "", served))

    page.on("request", note)
    return scripts


def looks_as_written(received: Received) -> None:
    assert (received.envelope_from, received.recipients) == (INVOICES, ("hans@huber.example",))
    mail = parse(received.raw)
    assert mail.subject == "Muster am Donnerstag"
    assert "die Muster liegen bereit." in mail.text
    assert "Ihre Musterfirma" in mail.text
    (picture,) = mail.attachments
    assert picture.is_inline
    assert f"cid:{picture.content_id}" in mail.html


def test_a_mail_nobody_takes_says_so_on_the_page(office: Office) -> None:
    office.sink.on_recipient["hans@huber.example"] = "550 5.1.1 Postfach unbekannt"
    try:
        with office.person("max") as page:
            open_huber(page)
            link = page.get_by_role("link", name="E-Mail schreiben")
            page.goto(link.get_attribute("href") or "")  # as after a click with the middle button
            expect(page.locator("#mail-subject")).to_be_focused()
            page.locator("#mail-subject").fill("Ins Leere")
            page.locator("#mail-sender").select_option(INVOICES)
            page.get_by_role("button", name="E-Mail senden").click()
            failed = entry(page, "Ins Leere")
            expect(failed.locator(".badge")).to_have_text("fehlgeschlagen", timeout=SOON)
            expect(failed).to_contain_text("Postfach unbekannt")
    finally:
        office.sink.reset()


def test_letter_call_and_note_by_keyboard(office: Office) -> None:
    with office.person("max") as page:
        open_huber(page)
        press(page, "b")
        page.get_by_label("Betreff").fill("Frohe Feiertage")
        page.get_by_label("Text", exact=True).fill("{ANREDE},\n\nalles Gute.")
        page.get_by_role("button", name="Freigeben und abschicken").click()
        dialog = page.locator("#dispatch-dialog")
        dialog.get_by_label("per E-Mail").uncheck()
        dialog.get_by_label("Sonstiges").check()
        dialog.get_by_role("button", name="Als versendet markieren").click()
        expect(page.locator("#document-state")).to_have_text("versendet", timeout=SOON)
        open_huber(page)
        press(page, "t")
        expect(page.locator("#activity-text")).to_be_focused()
        page.keyboard.type("Nimmt das Angebot an.")
        page.get_by_label("Mit wem").fill("Hans Huber")
        page.keyboard.press("Control+Enter")
        expect(entry(page, "Nimmt das Angebot an.")).to_contain_text("Max Gross → Hans Huber")
        press(page, "n")
        expect(page.locator("#activity-text")).to_be_focused()
        page.keyboard.type("Zahlt pünktlich.")
        page.keyboard.press("Control+Enter")
        expect(entry(page, "Zahlt pünktlich.")).to_be_visible()
        filter_by_keyboard(page)
        take_back(page)


def filter_by_keyboard(page: Page) -> None:
    page.locator("#filter-1").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-3[aria-current=page]")).to_be_visible()
    expect(page.locator("#timeline .pass")).to_have_count(1)
    expect(entry(page, "Frohe Feiertage")).to_contain_text("versendet")
    assert page.url.endswith("?art=brief")
    expect(page.locator("#filter-3")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-1[aria-current=page]")).to_be_visible()


def take_back(page: Page) -> None:
    noted = entry(page, "Zahlt pünktlich.")
    noted.get_by_label("Mehr").click()
    noted.get_by_role("button", name="Löschen").click()
    expect(noted).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Rückgängig").click()
    expect(noted).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1000])
def test_nothing_scrolls_sideways(office: Office, width: int) -> None:
    with office.person("max") as page:
        open_huber(page)
        page.set_viewport_size({"width": width, "height": 800})
        for key in ("", "m", "t"):
            if key:
                page.keyboard.press(key)
                expect(page.locator("#composer-form")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.get_by_role("heading", level=1).click()
