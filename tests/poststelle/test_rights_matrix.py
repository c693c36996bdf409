"""Every URL × role × own or foreign object × GET and POST, against rights_matrix.txt.

A URL without a row fails, and so does a row without a URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.poststelle.rights_world import World, make_world

TABLE = Path(__file__).with_name("rights_matrix.txt")
ROLES = ("anonymous", "admin", "staff", "support", "auditor")
METHODS = ("get", "post")
pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Row:
    route: str
    is_foreign: bool
    cells: tuple[str, ...]  # GET of every role, then POST of every role


def read_rows() -> list[Row]:
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            route, whose, *cells = line.replace("|", " ").split()
            assert len(cells) == 2 * len(ROLES), line
            rows.append(Row("" if route == "/" else route, whose == "foreign", tuple(cells)))
    return rows


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        assert isinstance(pattern, URLPattern | URLResolver)
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        else:
            assert isinstance(pattern.pattern, RoutePattern), route
            yield route


def fill(route: str, world: World, role: str, is_foreign: bool) -> str:
    path = route
    arguments = world.arguments(route, world.users.get(role), is_foreign)
    for part in route.split("/"):
        if part.startswith("<"):
            name = part.strip("<>").partition(":")[2]
            path = path.replace(part, str(arguments[name]), 1)
    return f"/{path}"


def word_for(status: int, location: str) -> str:
    """`login`, `ok` (also: the input was refused), or the number."""
    if location.startswith("/anmelden/?next="):
        return "login"
    return "ok" if status < 400 or status in {409, 410, 422} else str(status)


def sign_in(world: World, role: str) -> Client:
    """A browser of its own for the role; anonymous ones are nobody's."""
    client = Client(raise_request_exception=True)
    if role in world.users:
        client.force_login(world.users[role])
    return client


def ask(world: World, client: Client, row: Row, role: str, method: str) -> str:
    """What the role gets; nothing of it stays, neither in the database nor in the browser."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        path = fill(row.route, world, role, row.is_foreign)
        response = getattr(client, method)(path)
        transaction.set_rollback(True)
    client.cookies = cookies
    return word_for(response.status_code, response.headers.get("Location", ""))


def test_every_url_has_a_row_and_every_row_a_url() -> None:
    assert {row.route for row in read_rows()} == set(routes())


def test_routes_with_an_object_of_an_account_are_asked_for_a_foreign_one_too() -> None:
    rows = read_rows()
    of_accounts = ("accounts/", "tickets/<", "postausgang/", "archiv/", "eingang/", "hinweise/")
    needed = {row.route for row in rows if "<" in row.route and row.route.startswith(of_accounts)}
    without_object = {r for r in needed if "<int:pk>" not in r and "<str:number>" not in r}
    assert needed - without_object == {row.route for row in rows if row.is_foreign}


@pytest.mark.parametrize("role", ROLES)
def test_everybody_gets_what_the_table_says(role: str) -> None:
    world = make_world()
    browser = sign_in(world, role)
    columns = [(method, one) for method in METHODS for one in ROLES]
    wrong = []
    for row in read_rows():
        for (method, one), expected in zip(columns, row.cells, strict=True):
            if one != role:
                continue
            found = ask(world, browser, row, role, method)
            if found != expected:
                whose = "foreign" if row.is_foreign else "own"
                wrong.append(f"{row.route} {whose} {method}: {found}, not {expected}")
    assert not wrong, "\n".join(wrong)
