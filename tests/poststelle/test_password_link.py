"""„Passwort vergessen“: the link, who gets it, who may see it, when it ends."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.urls import reverse

from archive.models import ArchiveEntry
from company.models import LoginAttempt, SettingsChange, User
from company.one_time_codes import code_at, new_secret, step_of
from company.second_factor import enable
from company.throttle_login import LIMIT
from mailaccounts.models import MailAccount
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from poststelle import password_views
from poststelle.password_link import send_password_link
from poststelle.tasks import mail_password_link
from tests.factories import PASSWORD, make_account, make_user

pytestmark = pytest.mark.django_db
PAGE = "/passwort-vergessen/"
NEW = {"password": "ein-neues-Wort-7", "password_again": "ein-neues-Wort-7"}


@pytest.fixture(autouse=True)
def account() -> MailAccount:
    return make_account("info@firma.example", is_default=True, archive_enabled=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For whom the page asked the worker, which then does it at once."""
    found: list[int] = []

    def do_it(_task: object, user_id: int) -> None:
        found.append(user_id)
        mail_password_link(user_id)

    monkeypatch.setattr(password_views, "nudge", do_it)
    return found


def link_to(user: User) -> str:
    outgoing = send_password_link(user)
    assert outgoing is not None
    body = message_from_bytes(read_raw(outgoing.message), policy=policy.default).get_body()
    assert body is not None
    found = re.search(r"http://localhost:8000(/passwort-neu/\S+)", body.get_content())
    assert found
    return found.group(1)


@pytest.mark.parametrize("name", ["petra", "Petra@Firma.example"])
def test_the_way_to_a_new_password(client: Client, asked: list[int], name: str) -> None:
    user = make_user("petra")
    client.force_login(user)
    assert client.post(PAGE, {"name": name}).status_code == 200
    assert asked == [user.pk]
    outgoing = OutgoingMessage.objects.get()
    assert [r.email for r in outgoing.recipients.all()] == ["petra@firma.example"]
    page = link_to(user)
    assert client.get(page).status_code == 200
    weak = client.post(page, {"password": "12345678", "password_again": "12345678"})
    assert weak.status_code == 422
    assert client.post(page, NEW)["Location"] == "/anmelden/"
    user.refresh_from_db()
    assert user.check_password(NEW["password"])
    assert client.get("/persoenlich/").status_code == 302  # the old session has ended
    assert client.get(page).status_code == 410  # good once
    change = SettingsChange.objects.get()
    assert (change.user, change.field, change.after) == (user, "Passwort", "geändert")


def test_the_answer_does_not_tell_who_exists(client: Client, asked: list[int]) -> None:
    make_user("petra")
    make_user("weg", is_active=False)
    make_user("ohne", email="")
    answers = {
        re.sub(r'nonce="[^"]*"|csrf-token" content="[^"]*"', "", response.content.decode())
        for name in ("petra", "niemand", "weg", "ohne", "petra@anderswo.example")
        if (response := client.post(PAGE, {"name": name})).status_code == 200
    }
    assert len(answers) == 1
    assert OutgoingMessage.objects.count() == 1
    assert len(asked) == 5  # the worker is asked for nobody, too: it takes the same time


def test_asking_is_throttled_and_gives_one_mail_in_ten_minutes(
    client: Client, asked: list[int]
) -> None:
    make_user("petra")
    for _n in range(LIMIT):
        assert client.post(PAGE, {"name": "petra"}).status_code == 200
    refused = client.post(PAGE, {"name": "PETRA"})
    assert "Zu viele Versuche" in refused.content.decode()
    assert client.post(PAGE, {"name": "petra"}, REMOTE_ADDR="10.0.0.7").status_code == 200
    assert OutgoingMessage.objects.count() == 1
    client.post("/anmelden/", {"username": "petra", "password": PASSWORD})
    assert client.get("/persoenlich/").status_code == 200  # signing in is not held up
    assert LoginAttempt.objects.filter(name="link:petra").exists()


def test_nobody_reads_the_link_in_poststelle(client: Client) -> None:
    """Whoever reads it owns the user: no list, no archive, no copy, no bounce in a shared mailbox."""
    user = make_user("petra", role="admin")
    outgoing = send_password_link(user)
    assert outgoing is not None
    assert outgoing.envelope_from == ""
    assert outgoing.sent_copy == OutgoingMessage.SentCopy.NONE
    for role in User.Role.values:
        client.force_login(make_user(role=role))
        assert client.get(reverse("outbox:detail", args=[outgoing.pk])).status_code == 404
        assert client.get(reverse("outbox:original", args=[outgoing.pk])).status_code == 404
        assert "Neues Passwort" not in client.get("/postausgang/").content.decode()
    assert OutgoingMessage.Origin.PASSWORD in OutgoingMessage.NOT_ARCHIVED
    assert not ArchiveEntry.objects.exists()


def test_an_old_foreign_or_broken_link_is_void(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = make_user("petra"), make_user("hans")
    page = link_to(user)
    _empty, word, code, token, _end = page.split("/")
    other_code = link_to(other).split("/")[2]
    for bad in (
        f"/{word}/{other_code}/{token}/",
        f"/{word}/{code}/{token[:-1]}x/",
        f"/{word}/%%%/{token}/",
        f"/{word}/w6Q/{token}/",
    ):
        assert client.get(bad).status_code == 410
        assert client.post(bad, NEW).status_code == 410
    later = datetime.now() + timedelta(seconds=3601)  # noqa: DTZ005 (as Django counts)
    monkeypatch.setattr(default_token_generator, "_now", lambda: later)
    assert client.get(page).status_code == 410
    assert not SettingsChange.objects.exists()


def test_a_new_password_does_not_skip_the_second_step(client: Client) -> None:
    user, secret = make_user("petra"), new_secret()
    assert enable(user, secret, code_at(secret, step_of(datetime.now().timestamp())))  # noqa: DTZ005
    assert client.post(link_to(user), NEW).status_code == 302
    response = client.post("/anmelden/", {"username": "petra", "password": NEW["password"]})
    assert response["Location"] == "/anmelden/code/"


def test_without_a_sending_account_the_page_says_so(client: Client, account: MailAccount) -> None:
    user = make_user("petra")
    assert "Administrator" not in client.get(PAGE).content.decode()
    account.smtp_enabled = account.is_default = False
    account.save()
    assert "keine E-Mails senden" in client.get(PAGE).content.decode()
    assert send_password_link(user) is None
