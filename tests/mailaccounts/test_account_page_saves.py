"""The account page keeps every setting, alone and as a copy, and undoes nothing else."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from autoresponder.models import Autoresponder
from mailaccounts.connect import imap_login
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from tests.browser_forms import form_values
from tests.factories import (
    make_employee,
    make_project,
    make_queue,
    set_company,
)
from tests.mailaccounts.account_page import (
    FORM,
    NEW,
    SECRET,
    errors_of,
    make_stored,
    page_of,
    post_new,
    values_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("admin")]


def test_a_new_account_polls_the_inbox_and_is_ready(client: Client) -> None:
    response = post_new(client)
    account = MailAccount.objects.get()
    assert response["Location"] == page_of(account)
    assert [(f.name, f.purpose, f.is_active) for f in account.folders.all()] == [
        ("INBOX", "tickets", True)
    ]
    login = imap_login(account)
    assert (login.host, login.username, login.password) == (
        "imap.firma.example",
        "support@firma.example",
        SECRET,
    )
    assert not account.is_default  # it cannot send


# Every setting of the model with a value other than its default, as the page posts it.
EVERYTHING: dict[str, tuple[str, Any]] = {
    "display_name": ("imap", "Firma Nord"),
    "email": ("imap", "nord@firma.example"),
    "username": ("imap", "p123456"),
    "description": ("imap", "Sammelaccount"),
    "imap_enabled": ("imap", False),
    "imap_host": ("imap", "mail.firma.example"),
    "imap_port": ("imap", 1143),
    "imap_encryption": ("imap", "starttls"),
    "imap_auth": ("imap", "google"),
    "is_shared_mailbox": ("imap", True),
    "copy_to_sent": ("imap", True),
    "sent_folder": ("imap", "Gesendet"),
    "smtp_enabled": ("smtp", True),
    "smtp_host": ("smtp", "out.firma.example"),
    "smtp_port": ("smtp", 2587),
    "smtp_encryption": ("smtp", "starttls"),
    "smtp_auth": ("smtp", "none"),
    "smtp_username": ("smtp", "sender"),
    "smtp_debug": ("smtp", True),
    "sender_email": ("smtp", "verkauf@firma.example"),
    "sender_name": ("smtp", "Verkauf"),
    "client_alias": ("smtp", "post.firma.example"),
    "max_connections": ("smtp", 3),
    "messages_per_minute": ("smtp", 30),
    "recipients_per_day": ("smtp", 500),
    "is_default": ("smtp", True),
    "tickets_enabled": ("ticket", True),
    "since_date": ("ticket", datetime.date(2026, 1, 31)),
    "reply_from_incoming": ("ticket", False),
    "delete_on_server": ("ticket", True),
    "close_tickets": ("ticket", True),
    "archive_enabled": ("archive", True),
    "archive_days": ("archive", 365),
    "archive_forward_to": ("archive", "archiv@anderswo.example"),
    "signature_active": ("signature", True),
    "signature_html": ("signature", "<p>{MITARBEITER}</p>"),
}

RELATED = {"project", "queue", "employees"}

NOT_ON_THE_PAGE = {
    "id",
    "imap_secret",
    "smtp_secret",
    "oauth_grant",  # comes by signing in at the provider
    "paused_at",
    "archived_at",
    "created_at",
    "updated_at",
}


def as_posted(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["on"] if value else []
    return [str(value)]


def test_the_page_saves_every_field_of_the_model(client: Client) -> None:
    model_fields = {f.name for f in (*MailAccount._meta.fields, *MailAccount._meta.many_to_many)}
    assert model_fields == EVERYTHING.keys() | RELATED | NOT_ON_THE_PAGE
    set_company(oauth_google_client_id="app-1", oauth_google_secret="sealed")
    project, queue, employee = make_project(), make_queue(), make_employee()
    changes = {f"{panel}-{name}": as_posted(v) for name, (panel, v) in EVERYTHING.items()}
    changes |= {
        "ticket-project": [str(project.pk)],
        "ticket-queue": [str(queue.pk)],
        "employees-employees": [str(employee.pk)],
        "ticket-delete_confirmation": ["nord@firma.example"],
        "smtp-allowed": ["Rechnung@Firma.example\n@nord.example"],
        "folders-0-purpose": ["archive"],
        "autoresponder-is_active": ["on"],
        "autoresponder-once_a_day": [],
        "autoresponder-subject": ["Ihre Anfrage {TICKET}"],
        "autoresponder-text": ["Danke für „{BETREFF}“."],
    }
    response = post_new(client, **changes)
    assert response.status_code == 302, response.content.decode()
    account = MailAccount.objects.get()
    assert {name: getattr(account, name) for name in EVERYTHING} == {
        name: value for name, (_panel, value) in EVERYTHING.items()
    }
    assert (account.project, account.queue) == (project, queue)
    assert list(account.employees.all()) == [employee]
    assert [s.pattern for s in account.allowed_senders.all()] == [
        "@nord.example",
        "rechnung@firma.example",
    ]
    assert account.folders.get().purpose == "archive"
    responder = Autoresponder.objects.get(account=account)
    assert (responder.is_active, responder.once_a_day) == (True, False)
    assert (responder.subject, responder.text) == (
        "Ihre Anfrage {TICKET}",
        "Danke für „{BETREFF}“.",
    )
    again = client.post(page_of(account), values_of(client, page_of(account)))
    assert again.status_code == 302, again.content.decode()
    unchanged = MailAccount.objects.get()
    for name in EVERYTHING:
        assert getattr(unchanged, name) == getattr(account, name), name
    assert list(unchanged.employees.all()) == [employee]
    assert unchanged.allowed_senders.count() == 2


def test_the_first_account_that_sends_is_the_standard_and_exactly_one_is(client: Client) -> None:
    smtp = {"smtp-smtp_enabled": ["on"], "smtp-smtp_host": ["smtp.firma.example"]}
    post_new(client, **smtp)
    first = MailAccount.objects.get()
    assert first.is_default
    post_new(client, **smtp, **{"imap-email": ["zwei@firma.example"]})
    second = MailAccount.objects.get(email="zwei@firma.example")
    assert not second.is_default
    chosen = values_of(client, page_of(second)) | {"smtp-is_default": ["on"]}
    assert client.post(page_of(second), chosen).status_code == 302
    assert MailAccount.objects.get(is_default=True) == second
    without = values_of(client, page_of(second)) | {"smtp-smtp_enabled": []}
    assert client.post(page_of(second), without).status_code == 302
    assert MailAccount.objects.get(is_default=True) == first


def test_folders_are_added_changed_and_removed(client: Client) -> None:
    post_new(client)
    account = MailAccount.objects.get()
    page = page_of(account)
    row = client.post(f"{page}ordner/zeile/", values_of(client, page)).content.decode()
    assert 'name="folders-1-name"' in row
    left_empty = values_of(client, page) | {
        "folders-TOTAL_FORMS": ["2"],
        "folders-1-name": [""],
        "folders-1-purpose": ["archive"],
    }
    assert client.post(page, left_empty).status_code == 302
    more = {
        "folders-TOTAL_FORMS": ["2"],
        "folders-1-name": ["Aufträge"],
        "folders-1-purpose": ["archive"],
        "folders-1-is_active": ["on"],
    }
    client.post(page, values_of(client, page) | more)
    assert {(f.name, f.purpose) for f in account.folders.all()} == {
        ("INBOX", "tickets"),
        ("Aufträge", "archive"),
    }
    client.post(
        page, values_of(client, page) | {"folders-0-is_active": [], "folders-1-DELETE": ["on"]}
    )
    assert [(f.name, f.is_active) for f in account.folders.all()] == [("INBOX", False)]


def test_saving_lets_a_failing_account_try_again_at_once(client: Client) -> None:
    account = make_stored(smtp_enabled=False)
    AccountLink.objects.create(account=account, direction="in", state="login", failures=3)
    assert client.post(page_of(account), values_of(client, page_of(account))).status_code == 302
    assert AccountLink.objects.get().state == "unknown"


def test_saving_does_not_undo_a_pause_pulled_meanwhile(client: Client) -> None:
    account = make_stored(smtp_enabled=False)
    values = values_of(client, page_of(account))
    client.post(reverse("mailaccounts:pause", args=[account.pk]))
    client.post(page_of(account), values | {"imap-description": ["neu"]})
    account.refresh_from_db()
    assert (account.is_paused, account.description) == (True, "neu")


def test_a_copy_takes_the_settings_but_no_address_and_no_password(client: Client) -> None:
    source = make_stored(
        description="Vorlage", archive_days=30, archive_enabled=True, is_default=True
    )
    employee = make_employee()
    source.employees.set([employee])
    MailFolder.objects.create(account=source, name="Rechnungen", purpose="archive")
    copied = form_values(client.get(f"{NEW}?von={source.pk}"), FORM)
    assert copied["imap-imap_host"] == ["imap.firma.example"]
    assert copied["archive-archive_days"] == ["30"]
    assert copied["employees-employees"] == [str(employee.pk)]
    assert copied["folders-0-name"] == ["Rechnungen"]
    assert not {"imap-email", "imap-password", "imap-username"} & copied.keys()
    assert "Bitte geben Sie das Passwort ein" in errors_of(
        client.post(f"{NEW}?von={source.pk}", copied | {"imap-email": ["neu@firma.example"]})
    )
    named = {"imap-email": ["neu@firma.example"], "imap-password": ["x"]}
    assert client.post(NEW, copied | named).status_code == 302
    made = MailAccount.objects.get(email="neu@firma.example")
    assert (made.folders.get().name, made.is_default) == ("Rechnungen", False)
    assert list(made.employees.all()) == [employee]
