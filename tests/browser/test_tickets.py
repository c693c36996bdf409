"""The ticket page in a real browser: a hostile mail, an answer by keyboard, calling it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.office import press
from tests.browser.test_components import FLAGS
from tests.factories import make_account, make_mail, make_ticket, make_user
from tests.servers.requirements import require
from tests.tickets.letters import PNG, letter
from tickets.models import Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HOSTILE = (
    "<p id=gruss>Hallo</p><script>top.document.title='GEHACKT'</script>"
    "<img src=x onerror=\"top.document.title='GEHACKT'\"><img src='https://t.example/x.gif'>"
    "<a href=\"javascript:top.document.title='GEHACKT'\">klick</a><svg onload=\"top.document.title='X'\">"
    "</svg><meta http-equiv=refresh content='0;url=https://boese.example'><img src='cid:bild@huber'>"
)


@pytest.fixture
def ticket() -> Ticket:
    account = make_account("support@firma.example", tickets_enabled=True)
    ticket = make_ticket(account=account, number="4711", status="offen")
    make_mail(ticket, letter("Text", html=HOSTILE, picture=PNG))
    return ticket


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = require("chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; the database is still used by one at a time.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, live_server: object, client: Client, ticket: Ticket) -> Iterator[Page]:
    client.force_login(make_user("petra", role="support"))
    address = str(live_server)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    shown = context.new_page()
    shown.set_default_timeout(10_000)
    yield shown
    context.close()


def test_a_hostile_mail_is_shown_and_does_nothing(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/tickets/4711/", wait_until="networkidle")
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("Hallo")).to_be_visible()
    expect(frame.get_by_text("1 externes Bild blockiert")).to_be_visible()
    frame.get_by_text("klick").click()
    page.wait_for_load_state("networkidle")
    expect(page).to_have_title("#4711 Lieferung unvollständig · Poststelle")
    assert all(url.startswith(page.url.partition("/tickets")[0]) for url in asked)
    assert any("/ansicht/" in url for url in asked), "the picture inside the mail is shown"


def test_a_ticket_opens_beside_its_list(page: Page) -> None:
    page.goto("/tickets/?ansicht=alle", wait_until="networkidle")
    press(page, "j")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket h2")).to_have_text("Lieferung unvollständig")
    expect(page.locator(".row[aria-current]")).to_have_count(1)
    expect(page.locator("#details")).to_contain_text("Verantwortlich")
    assert page.url.endswith("/tickets/4711/?ansicht=alle")


def test_answering_by_keyboard_and_calling_back(page: Page, ticket: Ticket) -> None:
    page.goto("/tickets/4711/?ansicht=alle", wait_until="networkidle")
    press(page, "r")
    expect(page.locator("#composer-form .editor-area")).to_be_focused()
    page.keyboard.type("Die Ware kommt morgen, Beleg im Anhang.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Anhang vergessen?")).to_be_visible()
    page.get_by_role("button", name="Ohne Anhang senden").click()
    expect(page.locator(".toast")).to_contain_text("Antwort wird in 10 s gesendet.")
    expect(page.locator(".message.own .badge")).to_have_text("geplant")
    expect(page.locator(".row[aria-current]")).to_contain_text("warten auf Kunde")
    page.locator(".toast").get_by_role("button", name="Rückgängig").click()
    expect(page.locator("#composer-form .editor-area")).to_contain_text("Die Ware kommt morgen")
    ticket.refresh_from_db()
    assert ticket.status == "offen"


def test_a_change_shows_everywhere_at_once(page: Page) -> None:
    page.goto("/tickets/4711/?ansicht=alle", wait_until="networkidle")
    page.select_option("#ticket-status", "klaeren")
    expect(page.locator("#ticket-head .badge")).to_have_text("klären")
    expect(page.locator(".row[aria-current] .badge").first).to_have_text("klären")
    expect(page.locator(".event").last).to_contain_text("Status offen → klären")
    page.locator("#ticket h2").click()
    press(page, "e")
    expect(page.locator("#ticket-head .badge")).to_have_text("abgeschlossen")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_list_stands_where_one_left_it(page: Page, ticket: Ticket, width: int) -> None:
    for number in range(30):
        make_ticket(account=ticket.account, number=f"5{number:03}", subject=f"Sache {number}")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/tickets/?ansicht=alle", wait_until="networkidle")
    wanted = page.locator(".row", has_text="Sache 3").last
    wanted.locator(".row-main").click()
    expect(page.locator("#ticket h2")).to_contain_text("Sache 3")
    page.go_back(wait_until="networkidle")
    expect(page.locator("#ticket .ticket")).to_have_count(0)
    expect(wanted).to_be_in_viewport()


def test_a_wide_newsletter_fits_its_frame(page: Page, ticket: Ticket) -> None:
    wide = "<table width=900><tr><td>links</td><td align=right>rechts außen</td></tr></table>"
    make_mail(ticket, letter("Text", html=wide))
    page.goto("/tickets/4711/", wait_until="networkidle")
    corner = page.locator("iframe.mail-frame").last.content_frame.get_by_text("rechts außen")
    expect(corner).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [320, 390, 1000, 1440])
def test_nothing_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/tickets/?ansicht=alle", "/tickets/4711/", "/tickets/4711/antworten/"):
        page.goto(address, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
