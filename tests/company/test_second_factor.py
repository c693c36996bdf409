"""Signing in in two steps: the code, the recovery codes, what cannot be skipped."""

from __future__ import annotations

import base64
import re
import time

import pytest
from django.test import Client

from company.models import LoginAttempt, RecoveryCode, SecondFactor, SettingsChange, User
from company.one_time_codes import code_at, matching_step, new_secret, step_of
from company.second_factor import enable, take_code
from company.throttle_login import LIMIT
from tests.browser_forms import form_values
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
LOGIN, CODE, SET_UP = "/anmelden/", "/anmelden/code/", "/persoenlich/zweiter-schritt/"
CHANGE = "/persoenlich/zweiter-schritt/aendern/"


def code_of(secret: str, *, ahead: int = 0) -> str:
    return code_at(secret, step_of(time.time()) + ahead)


@pytest.fixture
def secret() -> str:
    return new_secret()


@pytest.fixture
def petra(secret: str) -> User:
    """A user whose code of the step before is used up, so that the present one is good."""
    user = make_user("petra")
    assert enable(user, secret, code_of(secret, ahead=-1))
    return user


def give_password(client: Client, **more: str) -> None:
    response = client.post(LOGIN, {"username": "petra", "password": PASSWORD, **more})
    assert response["Location"] == CODE


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize(
    ("unix_time", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
     (2000000000, "279037"), (20000000000, "353130")],
)  # fmt: skip
def test_the_codes_are_those_of_the_standard(unix_time: int, code: str) -> None:
    """The SHA-1 values of RFC 6238, appendix B, last six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert code_at(secret, step_of(unix_time)) == code
    assert matching_step(secret, f"{code[:3]} {code[3:]}", unix_time=unix_time) == unix_time // 30
    assert matching_step(secret, code, unix_time=unix_time + 30) == unix_time // 30
    assert matching_step(secret, code, unix_time=unix_time + 90) is None


def test_the_password_alone_does_not_sign_in(client: Client, petra: User, secret: str) -> None:
    give_password(client, next="/persoenlich/")
    assert not is_signed_in(client)
    assert client.get("/persoenlich/")["Location"].startswith(LOGIN)
    assert client.post(CODE, {"code": "000000"}).status_code in {422}
    assert not is_signed_in(client)
    response = client.post(CODE, {"code": code_of(secret)})
    assert response["Location"] == "/persoenlich/"
    assert is_signed_in(client)


def test_a_code_is_good_once(client: Client, petra: User, secret: str) -> None:
    code = code_of(secret)
    assert take_code(petra, code)
    give_password(client)
    assert client.post(CODE, {"code": code}).status_code == 422
    assert not is_signed_in(client)


def test_without_the_password_there_is_no_second_step(client: Client, petra: User) -> None:
    assert client.get(CODE)["Location"] == LOGIN
    assert client.post(CODE, {"code": "123456"})["Location"] == LOGIN


def test_codes_are_throttled_for_the_user(client: Client, petra: User, secret: str) -> None:
    for number in range(LIMIT):
        give_password(client)
        client.post(CODE, {"code": "12345x"}, REMOTE_ADDR=f"10.0.0.{number}")
    response = client.post(CODE, {"code": code_of(secret)}, REMOTE_ADDR="10.0.0.99")
    assert "Zu viele Versuche" in response.content.decode()
    assert not is_signed_in(client)


def test_a_changed_password_ends_a_half_done_login(
    client: Client, petra: User, secret: str
) -> None:
    give_password(client)
    petra.set_password("ein-neues-Wort-7")
    petra.save()
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == LOGIN


def test_setting_it_up_and_the_recovery_codes(client: Client) -> None:
    user = make_user("petra")
    client.force_login(user)
    page = client.get(SET_UP).content.decode()
    found = re.search(r'data-copy="([A-Z2-7]{32})"', page)
    assert found
    secret = found.group(1)
    assert f"otpauth://totp/Poststelle:petra?secret={secret}&amp;issuer=Poststelle" in page
    wrong = client.post(SET_UP, {"code": "000000x", "password": PASSWORD})
    assert wrong.status_code == 422
    assert client.post(SET_UP, {"code": code_of(secret), "password": "falsch"}).status_code == 422
    assert not SecondFactor.objects.exists()
    shown = client.post(SET_UP, {"code": code_of(secret), "password": PASSWORD}).content.decode()
    codes = re.findall(r"\b(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}\b", shown)
    assert len(codes) == 10
    assert secret not in SecondFactor.objects.get().secret
    assert not RecoveryCode.objects.filter(digest__contains=codes[0]).exists()
    logged = SettingsChange.objects.get()
    assert (logged.field, logged.after) == ("Anmeldung in zwei Schritten", "ja")

    client.post("/abmelden/")
    give_password(client)
    assert client.post(CODE, {"code": codes[3].lower().replace("-", " ")}).status_code == 302
    assert is_signed_in(client)
    client.post("/abmelden/")
    give_password(client)
    assert client.post(CODE, {"code": codes[3]}).status_code == 422  # good once
    assert client.post(CODE, {"code": codes[4]}).status_code == 302
    assert "noch 8 Wiederherstellungscodes" in client.get("/persoenlich/").content.decode()


def test_switching_it_off_needs_the_password(client: Client, petra: User) -> None:
    client.force_login(petra)
    client.post(CHANGE, {"what": "off", "password": "falsch"})
    assert SecondFactor.objects.exists()
    shown = client.post(CHANGE, {"what": "codes", "password": PASSWORD}).content.decode()
    assert len(re.findall(r"(?:[A-Z2-7]{4}-){3}", shown)) == 10
    assert SecondFactor.objects.exists()
    client.post(CHANGE, {"what": "off", "password": PASSWORD})
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_another_users_recovery_codes_open_nothing(petra: User) -> None:
    other = make_user("hans")
    secret = new_secret()
    codes = enable(other, secret, code_of(secret))
    assert codes
    assert not take_code(petra, codes[0])
    assert take_code(other, codes[0])


def test_an_administrator_helps_who_lost_the_telephone(client: Client, petra: User) -> None:
    client.force_login(make_user("chefin", role="admin"))
    page = f"/benutzer/{petra.pk}/"
    values = form_values(client.get(page)) | {"drop_second_factor": ["on"]}
    assert client.post(page, values).status_code == 302
    assert not SecondFactor.objects.exists()
    change = SettingsChange.objects.get(user__username="chefin")
    assert (change.field, change.before, change.after) == (
        "Anmeldung in zwei Schritten",
        "ja",
        "nein",
    )
    assert "drop_second_factor" not in client.get(page).content.decode()


def test_success_forgets_the_failures(client: Client, petra: User, secret: str) -> None:
    give_password(client)
    client.post(CODE, {"code": "12345x"})
    client.post(CODE, {"code": code_of(secret)})
    assert not LoginAttempt.objects.exists()
