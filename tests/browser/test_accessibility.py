"""The main pages against the rules of axe-core: wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from tests.browser.page_server import serve_pages
from tests.browser.test_components import FLAGS
from tests.poststelle.rights_world import World, make_world
from tests.servers.requirements import require

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

OPTIONS = {"resultTypes": ["violations"], "iframes": False}  # mail is not ours to correct
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1440), ("dark", 390))


def addresses_of(world: World) -> list[str]:
    room, document = world.rooms[False], world.document
    ticket = f"/tickets/{room.ticket.number}/"
    return [
        "/",
        "/tickets/",
        ticket,
        f"{ticket}antworten/",
        f"/tickets/regeln/{world.rule.pk}/",
        f"/belege/{document.pk}/",
        "/postausgang/",
        f"/postausgang/{room.outgoing.pk}/",
        f"/adressen/{world.base['adressen']}/",
        "/archiv/",
        f"/archiv/{room.entry.pk}/",
        "/accounts/",
        f"/accounts/{room.account.pk}/",
        "/eingang/",
    ]


def read_pages(client: Client, world: World) -> dict[str, str]:
    """The pages as an admin sees them; one browser session looks at the finished HTML."""
    client.force_login(world.users["admin"])
    answers = {address: client.get(address) for address in addresses_of(world)}
    assert {address for address, answer in answers.items() if answer.status_code != 200} == set()
    return {
        address: answer.content.decode().replace("data-poll=", "data-quiet=")  # nobody answers
        for address, answer in answers.items()
    }


def violations(page: Page, address: str) -> Iterator[str]:
    for found in page.evaluate("options => axe.run(options)", OPTIONS)["violations"]:
        for node in found["nodes"]:
            yield f"{address}: {found['id']}: {node['html'][:200]}"


def test_no_page_breaks_a_rule_of_accessibility(client: Client) -> None:
    path = require("chromium")
    found: list[str] = []
    pages = read_pages(client, make_world())
    with serve_pages(pages) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(base_url=base, reduced_motion="reduce")
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            for address in pages:  # loaded anew: colours that are just changing are nobody's
                page.goto(address)
                page.locator("html[data-keys]").wait_for(state="attached")
                page.evaluate(AXE_SCRIPT)
                found += violations(page, f"{address} ({scheme}, {width} px)")
        browser.close()
    assert found == []
