"""„abschicken“ in a real browser: several ways at once, what fails and is mended, undo, bounce, templates."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from pypdf import PdfReader

from mailcore.parse import parse, read_part
from tests.browser.office import INVOICES, Office, open_office, press
from tests.documents.dialog import make_pdf
from tests.flows.installation import wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Received

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]
SOON = 30_000  # milliseconds: what waits for mail on its way
HANS = "hans@huber.example"

_MORE = """
[[users]]
username = "erika"
first_name = "Erika"
last_name = "Ruhe"
email = "erika@firma.example"
role = "staff"
undo_seconds = 60
password = "geheim-geheim"

[[printers]]
name = "Ablage"
kind = "folder"
folder = "@folder"

[[letter_templates]]
name = "Herzlich"
kind = "rechnung"
subject = "Herzliche Rechnung {NUMMER}"
text = "<p>{ANREDE},</p><p>mit herzlichem Dank.</p>"

[[letter_templates]]
name = "Kurz"
kind = "rechnung"
subject = "Kurze Rechnung {NUMMER}"
text = "<p>Anbei.</p>"
"""

_BOUNCE = f"""From: Mail Delivery System <mailer-daemon@huber.example>
To: {INVOICES}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@huber.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.huber.example

Final-Recipient: rfc822; {HANS}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 Postfach unbekannt

--b
Content-Type: text/rfc822-headers

%b

--b--
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("druck")


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, dovecot: Dovecot
) -> Iterator[Office]:
    more = _MORE.replace("@folder", str(folder))
    with open_office(
        tmp_path_factory.mktemp("office"), dovecot, people=True, more=lambda _sink: more
    ) as opened:
        yield opened


def open_dialog(office: Office, page: Page) -> tuple[str, str, Locator]:
    """(number, address, dialog) of a new released invoice."""
    number, url = office.add_invoice()
    page.goto(url)
    page.get_by_role("button", name="Freigeben").click()
    page.get_by_role("link", name="abschicken", exact=True).click()
    dialog = page.locator("#dispatch-dialog")
    expect(dialog.locator(".editor-area")).to_be_visible()
    return number, url, dialog


def line(dialog: Locator, channel: str) -> Locator:
    return dialog.locator(".result-line", has_text=channel)


def mails_of(office: Office, number: str) -> list[Received]:
    return [one for one in office.sink.received if number in parse(one.raw).subject]


def test_mail_printer_and_phone_at_once_with_a_combined_pdf(office: Office, folder: Path) -> None:
    with office.person("max") as page:
        number, _url, dialog = open_dialog(office, page)
        dialog.locator("#id_attachments").set_input_files(
            [
                FilePayload(name=f"{name}.pdf", mimeType="application/pdf", buffer=make_pdf(name))
                for name in ("AGB", "Plan")
            ]
        )
        files = dialog.locator("#dispatch-file-list li")
        expect(files).to_have_count(3)
        dialog.get_by_role("button", name="Plan.pdf nach oben").click()
        expect(files.nth(1)).to_contain_text("Plan.pdf")
        button = dialog.locator(".dialog-foot .btn.primary")
        dialog.get_by_label("per E-Mail").uncheck()
        expect(button).to_have_text(re.compile("Als versendet markieren"))
        dialog.get_by_label("per Drucker").check()
        expect(button).to_have_text(re.compile("Rechnung drucken"))
        dialog.get_by_label("per E-Mail").check()
        expect(button).to_have_text(re.compile("Rechnung abschicken"))
        dialog.get_by_label("Telefongespräch").check()
        dialog.get_by_label("Notiz").fill("Herr Huber weiß Bescheid.")
        dialog.get_by_label("Sammelpdf").check()
        button.dblclick()  # sends once
        expect(dialog.locator(".result-line")).to_have_count(3)
        expect(line(dialog, "E-Mail")).to_contain_text("gesendet", timeout=SOON)
        expect(line(dialog, "Drucker")).to_contain_text("gedruckt", timeout=SOON)
        expect(line(dialog, "Telefongespräch")).to_contain_text("versendet")
        dialog.get_by_role("button", name="Schließen").last.click()
        expect(page.locator("#document-state")).to_have_text("versendet", timeout=SOON)
        expect(page.locator("#document-history tbody tr")).to_have_count(3)
        href = page.locator("#document-history tr", has_text="Drucker").get_by_role(
            "link", name=re.compile("mit-Anlagen")
        )
        shown = page.request.get(str(href.get_attribute("href"))).body()
        page.get_by_role("link", name="Erneut abschicken").click()  # the choices are there again
        again = page.locator("#dispatch-dialog")
        expect(again.get_by_label("per Drucker")).to_be_checked()
        expect(again.get_by_label("Sammelpdf")).to_be_checked()
    (mail,) = mails_of(office, number)
    (attached,) = parse(mail.raw).attachments
    sent = read_part(mail.raw, attached.path)
    (printed,) = folder.glob(f"RE{number}-*.pdf")
    assert sent == printed.read_bytes() == shown
    pages = [one.extract_text().strip() for one in PdfReader(io.BytesIO(sent)).pages]
    assert pages[1:] == ["Plan", "AGB"]


def test_what_fails_is_mended_in_the_dialog_and_sent_again(office: Office) -> None:
    with office.person("max") as page:
        number, _url, dialog = open_dialog(office, page)
        office.sink.on_recipient[HANS] = "550 5.1.1 Postfach unbekannt"
        dialog.get_by_label("Telefongespräch").check()
        for box in ("per Drucker", "Sammelpdf"):
            dialog.get_by_label(box).uncheck()
        dialog.get_by_label("Betreff").fill(f"Von Hand {number}")
        dialog.get_by_role("button", name="Rechnung abschicken").click()
        expect(line(dialog, "E-Mail")).to_contain_text("Postfach unbekannt", timeout=SOON)
        del office.sink.on_recipient[HANS]
        dialog.get_by_role("button", name="Angaben korrigieren").click(timeout=SOON)
        expect(dialog.locator(".errors")).to_contain_text("Postfach unbekannt")
        expect(dialog.get_by_label("Betreff")).to_have_value(f"Von Hand {number}")
        expect(dialog.get_by_label("Telefongespräch")).not_to_be_checked()
        dialog.get_by_label("E-Mail Adresse manuell angeben").check()
        dialog.get_by_label("E-Mail Adresse", exact=True).fill("h.huber@huber.example")
        dialog.get_by_role("button", name="Rechnung abschicken").click()
        expect(line(dialog, "E-Mail")).to_contain_text("gesendet", timeout=SOON)
    (mail,) = mails_of(office, number)
    assert mail.recipients == ("h.huber@huber.example",)


def test_a_mail_is_called_back_and_the_text_is_still_there(office: Office) -> None:
    with office.person("erika") as page:
        number, _url, dialog = open_dialog(office, page)
        dialog.locator(".editor-area").click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" Bis morgen!")
        page.keyboard.press("Control+Enter")
        expect(line(dialog, "E-Mail")).to_contain_text("geplant")
        dialog.get_by_role("button", name="E-Mail zurückholen").click()
        expect(line(dialog, "E-Mail")).to_contain_text("abgebrochen")
        dialog.get_by_role("button", name="Angaben korrigieren").click()
        expect(dialog.locator(".editor-area")).to_contain_text("Bis morgen!")
        page.keyboard.press("Escape")
        expect(page.locator("#document-state")).to_have_text(
            re.compile("fehlgeschlagen|freigegeben")
        )
    assert mails_of(office, number) == []


def test_a_template_asks_before_it_replaces_what_was_typed(office: Office) -> None:
    with office.person("max") as page:
        _number, _url, dialog = open_dialog(office, page)
        subject = dialog.get_by_label("Betreff")
        expect(subject).to_have_value(re.compile("Herzliche Rechnung"))
        choice, load = (
            dialog.get_by_label("Vorlage"),
            dialog.get_by_role("button", name="Vorlage laden"),
        )
        choice.select_option(label="Kurz")
        load.click()  # nothing was typed: nothing is asked
        expect(subject).to_have_value(re.compile("Kurze Rechnung"))
        expect(dialog.locator(".editor-area")).to_have_text(re.compile("Anbei."))
        dialog.locator(".editor-area").click()
        page.keyboard.type("Eigener Satz. ")
        choice.select_option(label="Herzlich")
        load.click()
        question = page.locator("dialog[data-own]")
        expect(question).to_contain_text("Ihr geänderter Text wird durch die Vorlage ersetzt.")
        question.get_by_role("button", name="Abbrechen").click()
        expect(dialog.locator(".editor-area")).to_contain_text("Eigener Satz.")
        load.click()
        question.get_by_role("button", name="Fortfahren").click()
        expect(dialog.locator(".editor-area")).to_contain_text("mit herzlichem Dank")
        expect(dialog.locator(".editor-area")).not_to_contain_text("Eigener Satz.")


def test_a_bounce_days_later_takes_it_back(office: Office) -> None:
    with office.person("max") as page:
        number, url, dialog = open_dialog(office, page)
        for box in ("Telefongespräch", "per Drucker", "Sammelpdf"):
            dialog.get_by_label(box).uncheck()
        dialog.get_by_label("per E-Mail").check()
        dialog.get_by_role("button", name="Rechnung abschicken").click()
        expect(line(dialog, "E-Mail")).to_contain_text("gesendet", timeout=SOON)
        dialog.get_by_role("button", name="Schließen").last.click()
        expect(page.locator("#document-state")).to_have_text("versendet", timeout=SOON)
        (mail,) = mails_of(office, number)
        office.dovecot.deliver(INVOICES, bounce_of(mail.raw))
        state = page.locator("#document-state")

        def has_come_back() -> bool:
            page.goto(url)
            return state.inner_text().strip() == "Versand fehlgeschlagen"

        wait_until(has_come_back, seconds=60, what="the bounce is shown at the document")
        row = page.locator("#document-history tbody tr").first
        expect(row).to_contain_text("zurückgewiesen")
        expect(row).to_contain_text("Postfach unbekannt")
        expect(page.locator("#document-banner")).to_contain_text("noch nicht versendet")


def bounce_of(raw: bytes) -> bytes:
    """What a mail server reports (RFC 3464) when the mailbox does not exist."""
    return _BOUNCE.encode() % raw.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n")


def test_the_whole_way_by_keyboard(office: Office) -> None:
    number, url = office.add_invoice()
    with office.person("max") as page:
        page.goto(url, wait_until="networkidle")
        page.get_by_role("button", name="Freigeben").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="abschicken", exact=True)).to_be_visible()
        page.wait_for_load_state("networkidle")
        press(page, "a")
        dialog = page.locator("#dispatch-dialog")
        expect(dialog.get_by_label("An", exact=True)).to_be_focused()
        expect(dialog.locator(".editor-area")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(line(dialog, "E-Mail")).to_contain_text("gesendet", timeout=SOON)
        page.keyboard.press("Escape")
        expect(page.locator("dialog:modal")).to_have_count(0)
    assert len(mails_of(office, number)) == 1
