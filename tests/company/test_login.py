"""Signing in and out, throttling, personal settings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import LoginAttempt, User
from company.throttle_login import LIMIT, PAUSE, take_attempt
from tests.browser_forms import form_values
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

LOGIN = "/anmelden/"


def sign_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> int:
    data = {"username": name, "password": password, **more}
    return client.post(LOGIN, data).status_code


@pytest.mark.parametrize("name", ["petra", "petra@firma.example", "PETRA@Firma.Example"])
def test_name_and_email_address_both_sign_in(client: Client, name: str) -> None:
    user = make_user("petra")
    assert sign_in(client, name) == 302
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_is_refused_in_german_and_not_shown_again(client: Client) -> None:
    make_user("petra")
    response = client.post(LOGIN, {"username": "petra", "password": "falsch-geraten"})
    assert response.status_code == 422
    assert "Benutzername oder Passwort stimmt nicht" in response.content.decode()
    assert "falsch-geraten" not in response.content.decode()


def test_a_deactivated_user_stays_outside(client: Client) -> None:
    make_user("petra", is_active=False)
    assert sign_in(client, "petra") == 422


def test_after_some_failures_even_the_right_password_waits(client: Client) -> None:
    make_user("petra")
    make_user("hans")
    for _attempt in range(LIMIT):
        assert sign_in(client, "petra", "falsch") == 422
    response = client.post(LOGIN, {"username": "Petra", "password": PASSWORD})
    assert response.status_code == 422
    assert "Zu viele Versuche. Bitte warten Sie 10 Minuten" in response.content.decode()
    assert sign_in(client, "hans") == 302  # somebody else at the same address is not held up


def test_the_pause_ends_and_a_success_forgets_the_failures(client: Client) -> None:
    make_user("petra")
    for _attempt in range(LIMIT):
        sign_in(client, "petra", "falsch")
    LoginAttempt.objects.update(last_failed_at=timezone.now() - PAUSE - timedelta(seconds=1))
    assert sign_in(client, "petra") == 302
    assert not LoginAttempt.objects.exists()


def test_attempts_count_per_address() -> None:
    assert [take_attempt("petra", "10.0.0.1") for _n in range(LIMIT + 1)] == [True] * LIMIT + [
        False
    ]
    assert take_attempt("petra", "10.0.0.2")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/persoenlich/", "/persoenlich/"),
        ("https://boese.example/", "/"),
        ("//boese.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_next_leads_only_to_our_own_pages(client: Client, target: str, expected: str) -> None:
    make_user("petra")
    data = {"username": "petra", "password": PASSWORD, "next": target}
    assert client.post(LOGIN, data)["Location"] == expected


def test_pages_ask_for_a_login_first(client: Client) -> None:
    make_user()
    response = client.get("/grundeinstellungen/")
    assert response.status_code == 302
    assert response["Location"] == f"{LOGIN}?next=/grundeinstellungen/"


def test_signing_out_needs_a_post(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/abmelden/").status_code == 405
    assert client.post("/abmelden/")["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_everybody_sets_their_own_things_but_not_their_role(client: Client) -> None:
    user = make_user("petra", role="support")
    client.force_login(user)
    values: dict[str, object] = dict(form_values(client.get("/persoenlich/")))
    values |= {"language": "en", "theme": "dark", "density": "bequem", "undo_seconds": "25"}
    values |= {"after_send": "list", "last_name": "Klein", "role": "admin", "is_superuser": "on"}
    values.pop("shortcuts_enabled")
    assert client.post("/persoenlich/", values).status_code == 302
    user.refresh_from_db()
    assert (user.language, user.theme, user.density) == ("en", "dark", "bequem")
    assert (user.undo_seconds, user.after_send, user.shortcuts_enabled) == (25, "list", False)
    assert (user.last_name, user.role, user.is_superuser) == ("Klein", "support", False)


def test_an_own_new_password_needs_the_old_one_and_keeps_the_session(client: Client) -> None:
    user = make_user("petra")
    client.force_login(user)
    page = reverse("company:own_password")
    new = {"password": "ein-neues-Wort-7", "password_again": "ein-neues-Wort-7"}
    refused = client.post(page, {"current": "falsch", **new})
    assert refused.status_code == 422
    assert "Das bisherige Passwort stimmt nicht" in refused.content.decode()
    different = client.post(page, {"current": PASSWORD, **new, "password_again": "anders"})
    assert "sind verschieden" in different.content.decode()
    assert client.post(page, {"current": PASSWORD, **new}).status_code == 302
    assert client.get("/persoenlich/").status_code == 200
    assert User.objects.get(pk=user.pk).check_password("ein-neues-Wort-7")


def test_the_look_is_switched_at_once(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    assert client.post("/persoenlich/darstellung/", {"theme": "dark"}).status_code == 204
    assert client.post("/persoenlich/darstellung/", {"theme": "bunt"}).status_code == 422
    user.refresh_from_db()
    assert user.theme == "dark"
