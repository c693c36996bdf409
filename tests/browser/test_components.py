"""The components of the style guide, in a real browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from django.template.loader import render_to_string
from django.test import override_settings
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from tests.browser.page_server import serve_pages
from tests.servers.requirements import require

pytestmark = pytest.mark.browser

urlpatterns: list[object] = []  # the pages are rendered without the application's addresses

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NAV = [
    {
        "title": "",
        "items": [
            {"label": "Tickets", "url": "#list", "icon": "ticket", "go": "t", "active": True},
            {"label": "Belege", "url": "#belege", "icon": "file-text", "go": "b"},
        ],
    }
]
MARKS = (
    '<table><thead><tr><th><input type="checkbox" data-mark-all aria-label="Alle"></th></tr></thead>'
    '<tbody id="marks"><tr><td><input type="checkbox" class="one" value="1"></td></tr>'
    '<tr><td><input type="checkbox" class="one" value="2"></td></tr></tbody></table>'
)
REFUSED = (
    '<dialog><form hx-post="/dialog/" hx-target="closest dialog" hx-swap="outerHTML" novalidate>'
    "<h2>Adresse</h2><div class='errors' data-errors tabindex='-1' id='errors'>Bitte 1 Angabe "
    "prüfen</div><button class='primary'>Speichern</button>"
    "<button type='button' data-close>Zu</button></form></dialog>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = require("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with override_settings(ROOT_URLCONF=__name__):
        guide = render_to_string("styleguide.html", {"nav": NAV})
    remote = '<button id="remote" data-dialog="/dialog/">Adresse</button>'
    fresh = REFUSED.replace("data-errors", "hidden")
    pages = {
        "/": guide.replace('<div class="sections">', remote + MARKS + '<div class="sections">', 1),
        "/off/": guide.replace('data-shortcuts="on"', 'data-shortcuts="off"'),
        "/dialog/": fresh,
        "POST /dialog/": REFUSED,
    }
    with serve_pages(pages) as base:
        yield base


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto("/")
    opened.wait_for_selector("#signature rich-editor.ready .editor-area")
    yield opened
    context.close()
    assert problems == []


def _signature(page: Page) -> str:
    return page.locator("#id_signature").input_value()


def _loaded_signature(page: Page) -> str:
    return str(page.evaluate("document.querySelector('#id_signature').defaultValue"))


def _text_file(name: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"x" * size}


def test_editor_submits_the_very_html_it_was_given_unless_a_person_edits(page: Page) -> None:
    assert "cellpadding" in _signature(page)
    assert _signature(page) == _loaded_signature(page)
    page.locator("#signature .editor-area").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("Durchwahl")
    assert "Durchwahl" in _signature(page)
    assert 'style="border-left:3px solid #0b5cad' in _signature(page)
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "() => { const t = document.querySelector('#id_signature');"
        " return t.value === t.defaultValue }"
    )


def test_editor_formats_inserts_variables_and_pictures(page: Page) -> None:
    page.evaluate("document.querySelector('#signature rich-editor').value = '<div>Gruß</div>'")
    page.locator("#signature .editor-area").click()
    page.keyboard.press("Control+a")
    page.locator("#signature button[title=Fett]").click()
    assert "<b>Gruß</b>" in _signature(page)
    page.locator("#signature summary", has_text="Variable").click()
    page.locator("#signature .menu-item", has_text="{MITARBEITER_EMAIL}").click()
    assert "{MITARBEITER_EMAIL}" in _signature(page)
    page.locator("#signature rich-editor input[type=file]").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": PIXEL}
    )
    page.wait_for_function(
        "() => document.querySelector('#id_signature').value.includes('data:image/png;base64,')"
    )


def test_editor_shows_nothing_that_runs_and_links_nowhere_dangerous(page: Page) -> None:
    page.evaluate(
        "document.querySelector('#signature rich-editor').value ="
        ' \'<div>Hallo<img src="data:," onerror="window.ran = 1"><iframe></iframe>'
        '<a href="javascript:window.ran=1">Welt</a></div>\''
    )
    area = page.locator("#signature .editor-area")
    assert not re.search("onerror|iframe|javascript", area.inner_html())
    assert "onerror" in _signature(page)  # untouched: cleaning what is stored is the server's job
    area.click()
    page.keyboard.press("Control+a")
    page.locator("#signature button[title=Link]").click()
    field = page.locator("#signature .editor-link input")
    field.fill("javascript:alert(1)")
    field.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Web- oder E-Mail-Adresse")
    field.fill("beispiel.de/kontakt")
    field.press("Enter")
    assert 'href="https://beispiel.de/kontakt"' in _signature(page)
    assert page.evaluate("window.ran") is None


def test_what_is_typed_as_source_is_submitted_to_the_letter(page: Page) -> None:
    button = page.locator("#signature button[title='HTML-Quelltext']")
    button.click()
    page.locator("#id_signature").fill("<P>Groß geschrieben")
    button.click()
    expect(page.locator("#signature .editor-area")).to_have_text("Groß geschrieben")
    assert _signature(page) == "<P>Groß geschrieben"
    assert page.evaluate("document.querySelector('#signature rich-editor').edited")


def test_block_whose_switch_is_off_shows_only_the_switch(page: Page) -> None:
    expect(page.locator("#smtp .card-body")).to_be_hidden()
    page.get_by_label("Extra SMTP Account aktivieren").check()
    expect(page.locator("#smtp .card-body")).to_be_visible()
    page.locator("#id_sent").uncheck()
    expect(page.locator("#sent-folder")).to_be_hidden()


def test_chosen_files_are_listed_added_to_and_removed(page: Page) -> None:
    files = page.locator("#signature [data-upload] input[type=file]")
    files.set_input_files([_text_file("a.txt", 2000), _text_file("b.txt", 1)])
    files.set_input_files([_text_file("c.txt", 1)])
    expect(page.locator("#signature .drop .file")).to_have_count(3)
    expect(page.locator("#signature .drop .file").first).to_contain_text("2 kB")
    page.get_by_label("a.txt entfernen").click()
    names = page.evaluate(
        "[...document.querySelector('#signature [data-upload] input').files].map((f) => f.name)"
    )
    assert names == ["b.txt", "c.txt"]


def test_dialog_takes_the_focus_asks_before_losing_input_and_gives_the_focus_back(
    page: Page,
) -> None:
    opener = page.get_by_role("button", name="Rechnung abschicken …")
    opener.click()
    expect(page.locator("#s_to")).to_be_focused()
    page.locator("#s_cc").press_sequentially("x@beispiel.de")
    page.keyboard.press("Escape")
    expect(page.locator("#styleguide-dispatch")).to_be_visible()
    page.get_by_role("button", name="Verwerfen", exact=True).click()
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(opener).to_be_focused()


def test_refused_form_in_a_dialog_stays_open_with_the_focus_on_its_errors(page: Page) -> None:
    page.click("#remote")
    page.locator("#dialog-slot .primary").click()
    expect(page.locator("#dialog-slot #errors")).to_be_focused()
    expect(page.locator("dialog:modal")).to_have_count(1)
    page.locator("#dialog-slot [data-close]").click()
    expect(page.locator("#remote")).to_be_focused()
    expect(page.locator("#dialog-slot dialog")).to_have_count(0)


def test_irrevocable_step_wants_the_address_typed(page: Page) -> None:
    page.locator(".savebar [data-confirm]").click()
    confirm = page.get_by_role("button", name="Account löschen")
    expect(confirm).to_be_disabled()
    page.locator("dialog:modal input").fill("support@beispiel.d")
    expect(confirm).to_be_disabled()
    page.locator("dialog:modal input").fill("support@beispiel.de")
    expect(confirm).to_be_enabled()


def test_keys_move_mark_search_and_go_but_never_while_typing(page: Page) -> None:
    for key in ("j", "j", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator(".row.cursor .row-from")).to_have_text("Lager intern")
    expect(page.locator(".row.cursor .row-check")).to_be_checked()
    page.keyboard.press("/")
    expect(page.get_by_label("Accounts durchsuchen")).to_be_focused()
    page.keyboard.type("?gb")
    expect(page.get_by_label("Accounts durchsuchen")).to_have_value("?gb")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("dialog[data-help]")).to_contain_text("Belege")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**#belege")


def test_the_box_in_a_tables_head_marks_all_its_rows(page: Page) -> None:
    page.get_by_label("Alle", exact=True).check()
    expect(page.locator(".one:checked")).to_have_count(2)
    page.locator(".one").first.uncheck()
    expect(page.get_by_label("Alle", exact=True)).to_be_checked(indeterminate=True)
    page.locator(".one").first.check()
    expect(page.get_by_label("Alle", exact=True)).to_be_checked()


def test_marked_rows_stay_marked_when_the_rows_come_anew(page: Page) -> None:
    rows = "".join(
        f'<tr class="new"><td><input type="checkbox" class="one" value="{number}"></td></tr>'
        for number in (3, 2, 1)
    )
    page.route("**/rows/", lambda route: route.fulfill(content_type="text/html", body=rows))
    page.locator(".one[value='2']").check()
    page.evaluate("htmx.ajax('GET', '/rows/', { target: '#marks', swap: 'innerHTML' })")
    expect(page.locator(".new")).to_have_count(3)
    expect(page.locator(".one:checked")).to_have_count(1)
    expect(page.locator(".one[value='2']")).to_be_checked()


def test_keys_are_off_where_the_person_switched_them_off(page: Page) -> None:
    page.goto("/off/")
    page.wait_for_selector("#signature rich-editor.ready")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator(".row.cursor")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.locator("dialog:modal")).to_have_count(1)
    expect(page.locator("dialog[data-help]")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390, 800, 1200])
def test_nothing_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
