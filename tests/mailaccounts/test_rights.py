"""Rights per account: who reads, sends, manages; what locks and what leaks."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from company.models import User
from mailaccounts.explain_access import explain_access
from mailaccounts.models import AccountRight, MailAccount
from mailaccounts.senders import NoAccountForSender, identities_for, may_send_as
from outbox.models import OutgoingMessage
from tests.browser_forms import form_values
from tests.factories import make_account, make_employee, make_queue, make_ticket, make_user
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
FORM = "@id='account-form'"


def give(account: MailAccount, user: User, *rights: str) -> AccountRight:
    return AccountRight.objects.create(
        account=account, user=user, **{f"may_{right}": True for right in rights}
    )


def page(account: MailAccount) -> str:
    return reverse("mailaccounts:edit", args=[account.pk])


def readers(account: MailAccount, *users: User) -> list[str]:
    return [
        user.username
        for user in users
        if MailAccount.objects.mail_visible_to(user).filter(pk=account.pk).exists()
    ]


def senders(account: MailAccount, *users: User) -> list[str]:
    return [
        user.username
        for user in users
        if MailAccount.objects.sendable_by(user).filter(pk=account.pk).exists()
    ]


def test_without_rows_it_is_everybodys_with_rows_only_the_listed() -> None:
    anna, bert = make_user("anna"), make_user("bert", role="support")
    chef, pruefer = make_user("chef", role="admin"), make_user("pruefer", role="auditor")
    everybody = (anna, bert, chef, pruefer)
    account = make_account()
    assert readers(account, *everybody) == ["anna", "bert", "chef", "pruefer"]
    assert senders(account, *everybody) == ["anna", "bert", "chef"]
    give(account, anna, "read")
    give(account, bert, "read", "send")
    assert readers(account, *everybody) == ["anna", "bert", "pruefer"]  # not the administrator
    assert senders(account, *everybody) == ["bert"]


def test_an_administrator_manages_a_personal_account_but_does_not_read_it() -> None:
    chef, petra = make_user("chef", role="admin"), make_user("petra")
    account = make_account(employees=(make_employee(user=petra),))
    assert MailAccount.objects.manageable_by(chef).get() == account
    assert readers(account, chef, petra) == ["petra"]


def test_rows_decide_over_the_employees_and_the_page_warns(client: Client) -> None:
    petra, vertretung = make_user("petra"), make_user("vertretung")
    account = make_account(employees=(make_employee("Petra Klein", user=petra),))
    give(account, vertretung, "read")
    assert readers(account, petra, vertretung) == ["vertretung"]
    client.force_login(make_user(role="admin"))
    assert "Petra Klein sieht diese E-Mails nicht" in client.get(page(account)).content.decode()


def test_tickets_and_outbox_follow_the_rights() -> None:
    anna, bert = make_user("anna"), make_user("bert")
    account = make_account()
    ticket = make_ticket(account=account)
    give(account, anna, "read")
    assert list(Ticket.objects.visible_to(anna)) == [ticket]
    assert not Ticket.objects.visible_to(bert).exists()
    assert "may_read" in str(OutgoingMessage.objects.visible_to(bert).query)


def test_nobody_sends_as_an_account_that_is_not_theirs() -> None:
    anna, bert = make_user("anna"), make_user("bert")
    reserved = make_account("chef@firma.example")
    make_account("alle@firma.example", allowed=("@firma.example", "chef@firma.example"))
    give(reserved, anna, "send")
    assert may_send_as(anna, "chef@firma.example").account == reserved
    with pytest.raises(NoAccountForSender):
        may_send_as(bert, "chef@firma.example")  # not through the other account's domain either
    assert [one.email for one in identities_for(bert) if one.account == reserved] == []


def test_the_panel_saves_changes_and_removes_rows(client: Client) -> None:
    client.force_login(make_user("chef", role="admin"))
    anna, bert = make_user("anna"), make_user("bert")
    account = make_account(imap_enabled=False)
    give(account, bert, "manage")
    values = form_values(client.get(page(account)), FORM)
    assert values[f"rights-manage_{bert.pk}"] == ["on"]
    values |= {f"rights-read_{anna.pk}": ["on"], f"rights-send_{anna.pk}": ["on"]}
    del values[f"rights-manage_{bert.pk}"]
    assert client.post(page(account), values).status_code == 302
    row = account.rights.get()
    assert (row.user, row.may_read, row.may_send, row.may_manage) == (anna, True, True, False)


def test_a_manager_changes_the_account_but_not_whose_it_is(client: Client) -> None:
    manager = make_user("leiterin", role="support")
    account, other = make_account("a@firma.example", imap_enabled=False), make_account()
    give(account, manager, "manage")
    client.force_login(manager)
    shown = client.get("/accounts/").content.decode()
    assert account.email in shown
    assert other.email not in shown
    assert client.get(page(other)).status_code == 404
    values = form_values(client.get(page(account)), FORM)
    values |= {
        "imap-display_name": ["Neuer Name"],
        f"rights-read_{manager.pk}": ["on"],
        "employees-employees": [str(make_employee(user=manager).pk)],
        "archive-archive_forward_to": ["privat@anderswo.example"],
        "smtp-is_default": ["on"],
    }
    assert client.post(page(account), values).status_code == 302
    account.refresh_from_db()
    assert account.display_name == "Neuer Name"
    assert account.archive_forward_to == ""
    assert not account.employees.exists()
    row = account.rights.get()
    assert (row.may_read, row.may_manage) == (False, True)
    assert readers(account, manager) == []
    assert client.post(reverse("mailaccounts:pause", args=[account.pk])).status_code == 302
    assert client.post(reverse("mailaccounts:delete", args=[account.pk])).status_code == 403
    assert client.get("/accounts/neu/").status_code == 403


def test_an_auditor_never_manages() -> None:
    pruefer = make_user(role="auditor")
    account = make_account()
    give(account, pruefer, "read", "send", "manage")
    assert not MailAccount.objects.manageable_by(pruefer).exists()
    assert not MailAccount.objects.sendable_by(pruefer).exists()


def test_a_row_without_a_right_or_twice_is_refused() -> None:
    account, anna = make_account(), make_user("anna")
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountRight.objects.create(account=account, user=anna)
    give(account, anna, "read")
    with pytest.raises(IntegrityError), transaction.atomic():
        give(account, anna, "send")


def test_the_last_row_or_employee_does_not_vanish_with_the_person(client: Client) -> None:
    """An account without rows and employees would be everybody's."""
    anna, petra = make_user("anna"), make_user("petra")
    employee = make_employee("Petra Klein", user=petra)
    shared, personal = make_account(), make_account(employees=(employee,))
    give(shared, anna, "read")
    with pytest.raises(ProtectedError):
        anna.delete()
    client.force_login(make_user(role="admin"))
    client.post(f"/mitarbeiter/{employee.pk}/loeschen/")
    assert list(personal.employees.all()) == [employee]
    client.post(f"/benutzer/{anna.pk}/loeschen/")
    assert User.objects.filter(pk=anna.pk).exists()


def test_what_may_he_do_says_what_the_querysets_say(client: Client) -> None:
    petra, chef = make_user("petra"), make_user("chef", role="admin")
    make_account("alle@firma.example")
    personal = make_account("petra@firma.example", employees=(make_employee(user=petra),))
    listed = make_account("buero@firma.example")
    give(listed, petra, "read", "manage")
    for user in (petra, chef, make_user(role="auditor")):
        found = {row.account.pk: row for row in explain_access(user)}
        for account in (personal, listed):
            row = found[account.pk]
            assert row.reads == bool(readers(account, user))
            assert row.sends == bool(senders(account, user))
            assert (
                row.manages
                == MailAccount.objects.manageable_by(user).filter(pk=account.pk).exists()
            )
    geheim = make_queue("Geschäftsleitung")
    geheim.members.add(chef)
    client.force_login(chef)
    shown = client.get(reverse("user_rights", args=[petra.pk])).content.decode()
    assert "Es ist der persönliche Account." in shown
    assert "Unter „Rechte“ steht: lesen, verwalten." in shown
    assert "Geschäftsleitung" in shown[shown.index("Sieht nicht") :]
    assert "Was darf …?" in client.get(f"/benutzer/{petra.pk}/").content.decode()


def test_which_account_sends(client: Client) -> None:
    client.force_login(make_user(role="admin"))
    make_account(
        "info@firma.example",
        allowed=("@firma.example",),
        signature_active=True,
        signature_html="<p>Gruß von {MITARBEITER}</p>",
    )
    employee = make_employee("Petra Klein")
    ask: dict[str, str | int] = {"absender": "vertrieb@firma.example", "mitarbeiter": employee.pk}
    shown = client.get("/accounts/absender/", ask).content.decode()
    assert "erlaubte Domain des Accounts" in shown
    assert "Gruß von Petra Klein" in shown
    assert "Signatur des Accounts" in shown
    refused = client.get("/accounts/absender/", {"absender": "wir@anderswo.example"})
    assert "kann nicht gesendet werden" in refused.content.decode()
    assert client.get("/accounts/absender/", {"absender": "unsinn"}).status_code == 422
