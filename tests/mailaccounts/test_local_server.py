"""Sending through this machine's own mail server, and which account is the standard."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mailaccounts.connect import smtp_login
from mailaccounts.connection_test import Outcome, SmtpTest, run_test
from mailaccounts.models import AccountLink, MailAccount
from mailaccounts.senders import choose_account
from mailcore.messages import Mailbox
from outbox.deliver import deliver_account
from tests.browser_forms import form_values
from tests.factories import make_account, make_user, set_company
from tests.outbox.outgoing import make_draft, queue
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/accounts/standard-versand/"
SET_UP = PAGE + "lokal/"


@pytest.fixture(autouse=True)
def admin(client: Client) -> None:
    client.force_login(make_user("chefin", role="admin"))
    set_company(name="Musterfirma GmbH", email="info@firma.example")


def set_up(client: Client) -> str:
    return client.post(SET_UP, follow=True).content.decode()


def test_one_click_and_everything_goes_through_it(client: Client, smtp_sink: Sink) -> None:
    former = make_account("alt@firma.example", is_default=True, smtp_auth="password")
    assert "Lokalen Mailserver einrichten" in client.get(PAGE).content.decode()

    assert "als info@firma.example" in set_up(client)

    account = MailAccount.objects.get(email="info@firma.example")
    assert (account.smtp_host, account.smtp_port, account.smtp_auth) == ("localhost", 25, "none")
    assert (account.imap_enabled, account.is_default) == (False, True)
    former.refresh_from_db()
    assert not former.is_default
    assert "Lokalen Mailserver einrichten" not in client.get(PAGE).content.decode()
    row = client.get("/accounts/").content.decode()
    assert "Lokaler Mailserver" in row
    # Any sender of the company that no other account is there for.
    assert choose_account("buchhaltung@firma.example").account == account
    MailAccount.objects.filter(pk=account.pk).update(smtp_port=smtp_sink.port)
    account.refresh_from_db()
    steps = list(run_test(SmtpTest(smtp_login(account), account.from_email)))
    assert Outcome.FAILED not in {step.outcome for step in steps}
    assert Outcome.WARNING not in {step.outcome for step in steps}
    queue(account, draft=make_draft(from_=Mailbox("", "buchhaltung@firma.example")))
    assert deliver_account(account.pk).sent == 1
    assert AccountLink.objects.get(account=account, direction="out").state == "ok"


def test_its_account_page_is_tested_and_saved_without_imap(client: Client, smtp_sink: Sink) -> None:
    set_up(client)
    account = MailAccount.objects.get()
    page = reverse("mailaccounts:edit", args=[account.pk])
    values = form_values(client.get(page), "@id='account-form'")
    assert client.post(page, values).status_code == 302
    assert MailAccount.objects.get().is_default
    card = client.post(f"{page}test/", values | {"smtp-smtp_port": [str(smtp_sink.port)]})
    text = card.content.decode()
    assert "Nicht eingeschaltet." in text
    assert f"{page}test/smtp/0/" in text
    assert f"{page}test/imap/0/" not in text


def test_a_second_click_changes_nothing(client: Client) -> None:
    set_up(client)
    account = MailAccount.objects.get()
    MailAccount.objects.filter(pk=account.pk).update(smtp_port=2525)
    set_up(client)
    again = MailAccount.objects.get()
    assert (again.pk, again.smtp_port) == (account.pk, 2525)


def test_a_mailbox_that_only_fetched_now_sends_through_it(client: Client) -> None:
    box = make_account("INFO@firma.example", imap_host="imap.firma.example", smtp_enabled=False)
    secret = box.imap_secret
    set_up(client)
    box.refresh_from_db()
    assert (box.smtp_enabled, box.smtp_host, box.is_default) == (True, "localhost", True)
    assert (box.imap_enabled, box.imap_secret) == (True, secret)


def test_an_account_that_sends_elsewhere_is_left_alone(client: Client) -> None:
    make_account("info@firma.example", smtp_host="smtp.firma.example", smtp_auth="password")
    text = set_up(client)
    assert "gibt es schon den Account" in text
    assert MailAccount.objects.get().smtp_host == "smtp.firma.example"


def test_without_the_companys_address_it_asks_for_it(client: Client) -> None:
    set_company(email="")
    assert "die E-Mail-Adresse der Firma ein" in set_up(client)
    assert not MailAccount.objects.exists()


def test_another_account_becomes_the_standard(client: Client) -> None:
    first = make_account("a@firma.example", is_default=True)
    second = make_account("b@firma.example")
    cannot_send = make_account("c@firma.example", smtp_enabled=False)
    client.post(PAGE + "waehlen/", {"account": second.pk})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    for bad in (cannot_send.pk, "x", ""):
        assert client.post(PAGE + "waehlen/", {"account": bad}).status_code == 404


def test_who_may(client: Client) -> None:
    account = make_account()
    for role, status in (("staff", 403), ("auditor", 200)):
        client.force_login(make_user(role=role))
        assert client.get(PAGE).status_code == status
        assert client.post(SET_UP).status_code == 403
        assert client.post(PAGE + "waehlen/", {"account": account.pk}).status_code == 403
    assert not MailAccount.objects.filter(is_default=True).exists()
