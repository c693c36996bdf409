"""„E-Mail Accounts“: the list, its menu, its export, who may see and do what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from autoresponder.models import Autoresponder
from mailaccounts.models import AccountLink, MailAccount
from mailcore.errors import Kind, Step
from tests.factories import make_account, make_project, make_user

pytestmark = pytest.mark.django_db

LIST = "/accounts/"


def url(name: str, account: MailAccount) -> str:
    return reverse(f"mailaccounts:{name}", args=[account.pk])


@pytest.mark.parametrize("role", ["staff", "support"])
def test_accounts_are_for_administrators(client: Client, role: str) -> None:
    account = make_account()
    client.force_login(make_user(role=role))
    for page in (LIST, f"{LIST}neu/", f"{LIST}export.csv"):
        assert client.get(page).status_code == 403
    assert client.get(url("edit", account)).status_code == 404
    assert client.post(url("delete", account)).status_code == 403
    for page in (
        url("edit", account),
        url("pause", account),
        url("test", account),
        f"{url('edit', account)}ordner/",
        f"{url('edit', account)}test/imap/0/",
        reverse("intake:poll_now", args=[account.pk]),
    ):
        assert client.post(page).status_code == 404
    assert MailAccount.objects.kept().filter(paused_at__isnull=True).exists()


def test_the_auditor_looks_and_changes_nothing(client: Client) -> None:
    account = make_account()
    client.force_login(make_user(role="auditor"))
    html = client.get(url("edit", account)).content.decode()
    assert "disabled" in html
    assert "savebar" not in html
    assert client.get(LIST).status_code == 200
    for name in ("edit", "pause", "delete", "test"):
        assert client.post(url(name, account)).status_code == 403


@pytest.mark.usefixtures("admin")
def test_the_list_shows_what_the_account_does_and_how_it_is(client: Client) -> None:
    account = make_account(
        "support@firma.example",
        description="Sammelaccount",
        imap_host="imap.firma.example",
        username="p123456",
        tickets_enabled=True,
        project=make_project("NORD"),
    )
    Autoresponder.objects.create(account=account, is_active=True, subject="a", text="b")
    AccountLink.objects.create(
        account=account,
        direction="in",
        state="failing",
        error_kind=Kind.TLS_EXPIRED,
        error_step=Step.TLS,
        last_success_at=timezone.now() - timedelta(hours=1),
    )
    html = client.get(LIST).content.decode()
    assert '<th scope="col" class="login">Benutzername</th>' in html
    assert 'data-label="Benutzername"><span>p123456</span>' in html
    for text in (
        "Sammelaccount",
        "support@firma.example",
        "p123456",
        "imap.firma.example",
        "NORD",
        "Störung",
        "Das Zertifikat des Servers ist abgelaufen.",
        "abgeholt",
    ):
        assert text in html


@pytest.mark.usefixtures("admin")
def test_search_and_page_size(client: Client) -> None:
    for number in range(30):
        make_account(f"box{number:02}@firma.example", description=f"Nummer {number:02}")
    assert "Nummer 29" not in client.get(LIST).content.decode()
    assert "Nummer 29" in client.get(LIST, {"anzahl": "50"}).content.decode()
    assert "Nummer 29" in client.get(LIST, {"page": "2"}).content.decode()
    found = client.get(LIST, {"q": "box07"}).content.decode()
    assert "Nummer 07" in found
    assert "Nummer 08" not in found
    assert "Alle anzeigen" in client.get(LIST, {"q": "gibtsnicht"}).content.decode()


@pytest.mark.usefixtures("admin")
def test_an_empty_list_offers_the_first_account(client: Client) -> None:
    assert "Noch kein E-Mail Account" in client.get(LIST).content.decode()


@pytest.mark.usefixtures("admin")
def test_one_or_fifty_accounts_cost_the_same_queries(client: Client) -> None:
    client.get(LIST)
    counts = []
    for more in (1, 49):
        for _number in range(more):
            account = make_account(project=make_project())
            AccountLink.objects.create(account=account, direction="in", state="ok")
            Autoresponder.objects.create(account=account)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST, {"anzahl": "50"})
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


@pytest.mark.usefixtures("admin")
def test_two_hundred_accounts_in_few_queries(client: Client) -> None:
    for number in range(200):
        account = make_account(f"box{number:03}@firma.example", description=f"Nummer {number:03}")
        for direction in ("in", "out"):
            AccountLink.objects.create(account=account, direction=direction, state="ok")
    client.get(LIST)
    for size in ("25", "100"):
        with CaptureQueriesContext(connection) as queries:
            html = client.get(LIST, {"anzahl": size}).content.decode()
        assert html.count("Nummer 0") >= int(size)
        assert len(queries) <= 15
    with CaptureQueriesContext(connection) as queries:
        exported = client.get(f"{LIST}export.csv").content.decode()
    assert exported.count("box") >= 200
    assert len(queries) <= 15


@pytest.mark.usefixtures("admin")
def test_the_export_opens_in_a_spreadsheet_and_runs_nothing(client: Client) -> None:
    make_account("a@firma.example", description="=HYPERLINK(1)", display_name="Jürgen; Büro")
    text = client.get(f"{LIST}export.csv").content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert rows[0][:4] == ["Beschreibung", "Angezeigter Name", "E-Mail", "Benutzername"]
    assert rows[1][:3] == ["'=HYPERLINK(1)", "Jürgen; Büro", "a@firma.example"]


@pytest.mark.usefixtures("admin")
def test_pausing_and_going_on(client: Client) -> None:
    account = make_account()
    AccountLink.objects.create(
        account=account, direction="in", next_attempt_at=timezone.now() + timedelta(hours=1)
    )
    page = client.post(url("pause", account), follow=True).content.decode()
    assert "pausiert" in page
    assert "Fortsetzen" in page
    assert MailAccount.objects.get().is_paused
    client.post(url("pause", account))
    assert not MailAccount.objects.get().is_paused
    assert AccountLink.objects.get().next_attempt_at is None
    assert client.get(url("pause", account)).status_code == 405


@pytest.mark.usefixtures("admin")
def test_a_deleted_account_leaves_its_row_but_no_password(client: Client) -> None:
    heir = make_account("zwei@firma.example")
    account = make_account("eins@firma.example", is_default=True)
    page = client.post(url("delete", account), follow=True).content.decode()
    assert "E-Mails, Tickets und Archiv bleiben erhalten" in page
    assert "Standard-Account ist jetzt" in page
    account.refresh_from_db()
    heir.refresh_from_db()
    assert account.archived_at
    assert (account.imap_secret, account.smtp_secret, account.is_default) == ("", "", False)
    assert heir.is_default
    for name in ("edit", "pause", "delete", "test"):
        assert client.post(url(name, account)).status_code == 404
    make_account("eins@firma.example")  # the address is free again


@pytest.mark.usefixtures("admin")
def test_fetching_now_forgets_the_back_off(client: Client) -> None:
    account = make_account(imap_enabled=True)
    AccountLink.objects.create(
        account=account,
        direction="in",
        failures=4,
        next_attempt_at=timezone.now() + timedelta(hours=1),
    )
    page = reverse("intake:poll_now", args=[account.pk])
    assert "wird jetzt abgerufen" in client.post(page, follow=True).content.decode()
    link = AccountLink.objects.get()
    assert (link.failures, link.next_attempt_at) == (0, None)
    assert client.get(page).status_code == 405
