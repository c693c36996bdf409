"""Incoming mail in a real browser: it appears by itself, is rescued, ruled, joined and found again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import SUPPORT, Office, customer_mail, empty_mailbox, open_office
from tests.browser.test_journeys import SOON, open_ticket, row
from tests.flows.installation import wait_until
from tests.flows.provisioning import account
from tests.intake.mailbox import deliver_at
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]

DATED = "altbestand@firma.example"
ORDER, SECOND_ORDER = "Bestellung Kugellager", "Bestellung Wälzkörper"
RESCUED, FOUND = "Diese hier blieb liegen", "Grüße aus Überlingen"
_ADMIN = """
[[users]]
username = "anna"
first_name = "Anna"
last_name = "Admin"
email = "anna@firma.example"
role = "admin"
password = "geheim-geheim"
"""
# A mail that failed three times, as a poll leaves it behind; its cause is repaired meanwhile.
_SET_ASIDE = """
import sys
from django.utils import timezone
from intake.models import IntakeItem
from mailaccounts.models import MailFolder
from mailstore.blobs import put_blob
from tests.browser.office import customer_mail
folder = MailFolder.objects.get(account__email={account!r}, name="INBOX")
raw = customer_mail({subject!r}, "Bitte antworten Sie mir.")
IntakeItem.objects.create(
    account=folder.account, folder=folder, uidvalidity=folder.cursor.uidvalidity, uid=900_000,
    state="quarantined", size=len(raw), internal_date=timezone.now(), attempts=3,
    error="LookupError: kaputt", blob=put_blob(raw),
)
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Office]:
    """With anna (Administrator), and an account whose „Ab Datum“ leaves two old mails behind."""
    empty_mailbox(dovecot, DATED)
    for number in (1, 2):
        raw = customer_mail(f"Alte Frage {number}", "Von damals.")
        deliver_at(dovecot, DATED, raw, datetime.now(UTC) - timedelta(days=40 + number))
    with open_office(
        tmp_path_factory.mktemp("incoming"),
        dovecot,
        people=True,
        more=lambda sink: _more(dovecot, sink),
    ) as opened:
        dovecot.deliver(SUPPORT, customer_mail(ORDER, "Bitte liefern Sie 40 Stück."))
        wait_until(
            lambda: len(opened.installation.ask("received")["message_ids"]) == 1,
            seconds=60,
            what=f"the mail is a ticket\n{opened.installation.log_end()}",
        )
        yield opened


def _more(dovecot: Dovecot, sink: Sink) -> str:
    return _ADMIN + account(dovecot, sink, DATED, since=days_ago(0))


def days_ago(days: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"


def test_a_day_of_incoming_mail(office: Office) -> None:
    with office.person("anna") as page:
        new_mail_appears_by_itself(office, page)
        a_rule_is_made_from_a_ticket_tested_and_applied(office, page)
        a_possible_answer_is_joined_by_a_click(office, page)
        a_set_aside_mail_is_rescued(office, page)
        the_archive_finds_it(page)
        older_mail_is_fetched_once_confirmed(page)


def new_mail_appears_by_itself(office: Office, page: Page) -> None:
    page.goto("/tickets/?ansicht=alle")
    expect(row(page, ORDER)).to_be_visible()
    page.evaluate("window.sameDocument = true")
    office.dovecot.deliver(SUPPORT, customer_mail(FOUND, "Schöne Grüße vom Bodensee, Käthe Weiß"))
    page.get_by_role("button", name="1 Ticket mit Neuem").click(timeout=SOON)
    expect(row(page, FOUND)).to_be_visible()
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def a_rule_is_made_from_a_ticket_tested_and_applied(office: Office, page: Page) -> None:
    open_ticket(page, ORDER)
    page.get_by_label("Weitere Aktionen").click()
    page.get_by_role("link", name="Ticketregel erstellen").click()
    expect(page.get_by_label("Wert").nth(0)).to_have_value("hans@huber.example")
    expect(page.get_by_label("Wert").nth(1)).to_have_value(ORDER)
    page.get_by_label("Wert").nth(1).fill("Bestellung*")
    expect(page.locator("#conditions-1-pattern")).to_be_hidden()
    page.get_by_label("Vergleich").nth(1).select_option(label="passt auf Muster (* und ?)")
    expect(page.locator("#conditions-1-pattern")).to_contain_text("beliebig viele Zeichen")
    page.get_by_label("Name", exact=False).first.fill("Bestellungen")
    page.get_by_label("Priorität").select_option(label="hoch")
    page.get_by_label("Schlagwörter").fill("Einkauf")
    page.get_by_role("button", name="Regel testen").click()
    result = page.locator("#ergebnis")
    expect(result).to_contain_text("auf 1 von 2 E-Mails")
    expect(result).to_contain_text("Priorität hoch, Schlagwort „Einkauf“")
    expect(result.locator("tbody tr")).to_contain_text([ORDER])
    result.get_by_role("button", name="auf dieses Ticket anwenden").click()
    page.locator("dialog:modal").get_by_role("button", name="Speichern und anwenden").click()
    expect(page.locator("body")).to_contain_text("ist gespeichert und hat ein Ticket geändert")
    open_ticket(page, ORDER)
    expect(page.locator("#ticket-priority option:checked")).to_have_text("hoch")
    expect(page.locator("#conversation")).to_contain_text("Regel „Bestellungen“ nachträglich")

    office.dovecot.deliver(SUPPORT, customer_mail(SECOND_ORDER, "Bitte 12 Stück."))
    page.get_by_role("button", name="1 Ticket mit Neuem").click(timeout=SOON)
    open_ticket(page, SECOND_ORDER)
    expect(page.locator("#ticket-priority option:checked")).to_have_text("hoch")
    expect(page.locator("#conversation")).to_contain_text("Regel „Bestellungen“: Priorität hoch")


def a_possible_answer_is_joined_by_a_click(office: Office, page: Page) -> None:
    """A stranger names the number: a ticket of its own, with a banner."""
    open_ticket(page, ORDER)
    found = re.search(r"#(\d{8,})", page.locator("#ticket").inner_text())
    assert found is not None
    number = found.group(1)
    raw = customer_mail(f"Nachfrage [Ticket#{number}]", "Ich bin die Urlaubsvertretung.")
    raw = raw.replace(b"hans@huber.example", b"vertretung@anderswo.example")
    office.dovecot.deliver(SUPPORT, raw)
    page.get_by_role("button", name="1 Ticket mit Neuem").click(timeout=SOON)
    row(page, "Nachfrage").locator(".row-main").click()
    banner = page.locator(".banner", has_text="Möglicherweise Antwort auf")
    expect(banner).to_contain_text(f"#{number}")
    banner.get_by_role("button", name="Zusammenführen").click()
    open_ticket(page, ORDER)
    expect(page.locator("#conversation")).to_contain_text("Ich bin die Urlaubsvertretung.")
    expect(page.locator("#conversation")).to_contain_text("40 Stück")


def a_set_aside_mail_is_rescued(office: Office, page: Page) -> None:
    script = _SET_ASIDE.format(account=SUPPORT, subject=RESCUED)
    office.installation.manage("shell", "--no-imports", "-v0", "-c", script)
    page.goto("/eingang/")
    line = page.locator("tbody tr", has_text=RESCUED)
    expect(line).to_contain_text("Beim Verarbeiten trat dreimal ein Fehler auf.")
    line.get_by_role("checkbox").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Exportieren (ZIP)").click()
    assert download.value.suggested_filename.endswith(".zip")
    line.get_by_role("button", name="Erneut versuchen").click()
    expect(page.locator("body")).to_contain_text("Eine E-Mail wird jetzt erneut versucht.")
    expect(page.locator("main")).to_contain_text("Nichts in Quarantäne")

    def is_a_ticket() -> bool:
        page.goto("/tickets/?ansicht=alle")
        return row(page, RESCUED).count() == 1

    wait_until(is_a_ticket, seconds=30, what="the rescued mail is a ticket")


def the_archive_finds_it(page: Page) -> None:
    page.goto("/archiv/")
    page.get_by_label("Im Archiv suchen").fill("käthe überlingen")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody mark")).to_contain_text(["Überlingen"])
    page.get_by_role("link", name=FOUND).click()
    expect(page.locator(".paper")).to_contain_text("Schöne Grüße vom Bodensee, Käthe Weiß")
    expect(page.locator("main")).to_contain_text("Gehört zu")
    page.goto("/archiv/zugriffe/")
    expect(page.locator("tbody")).to_contain_text("käthe überlingen")


def older_mail_is_fetched_once_confirmed(page: Page) -> None:
    page.goto("/eingang/?ansicht=vor-ab-datum")
    expect(page.locator("tbody tr")).to_have_count(2, timeout=SOON)
    page.goto("/accounts/")
    page.get_by_role("link", name=DATED).first.click()
    page.get_by_label("Ab Datum").fill(days_ago(60))
    page.get_by_role("button", name="Account speichern").click()
    expect(page.locator("body")).to_contain_text("2 ältere E-Mails werden nachgeholt.")
    page.get_by_label("Ja, nachholen").check()
    page.get_by_role("button", name="Account speichern").click()

    def are_tickets() -> bool:
        page.goto("/tickets/?ansicht=alle")
        return row(page, "Alte Frage").count() == 2

    wait_until(are_tickets, seconds=30, what="the older mails are tickets")
