"""The preferred sender (G5): chosen once, first wherever no rule decides, ignored once forbidden."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from company.models import User
from documents.forms.dispatch import DispatchForm
from documents.senders import sender_options
from mailaccounts.models import MailAccount, PreferredSender
from mailaccounts.senders import identities_for, preferred_choice
from tests.documents.sending import make_invoice, make_office
from tests.factories import make_account, make_employee, make_ticket, make_user
from tickets.reply_defaults import default_sender

pytestmark = pytest.mark.django_db

SUPPORT, SALES = "support@firma.example", "vertrieb@firma.example"


def prefer(user: User, email: str) -> None:
    PreferredSender.objects.create(user=user, email=email)


@pytest.fixture
def petra() -> User:
    make_account(SUPPORT, is_default=True)
    make_account(SALES)
    return make_user("petra", email="petra@firma.example")


class TestPage:
    url = "/accounts/bevorzugter-absender/"

    def test_the_personal_settings_lead_to_it_those_who_may_send(self, client: Client) -> None:
        for role, leads in (("support", True), ("auditor", False)):
            client.force_login(make_user(role=role))
            page = client.get(reverse("company:personal")).content.decode()
            assert (self.url in page) is leads

    def test_a_choice_is_kept_changed_and_given_up(self, client: Client, petra: User) -> None:
        client.force_login(petra)
        for email in (SALES, SUPPORT):
            assert client.post(self.url, {"email": email}).status_code == 302
            assert PreferredSender.objects.get().email == email
        assert f'value="{SUPPORT}" selected' in client.get(self.url).content.decode()
        client.post(self.url, {"email": ""})
        assert not PreferredSender.objects.exists()

    def test_only_permitted_senders_can_be_chosen(self, client: Client, petra: User) -> None:
        make_account("chef@firma.example", employees=(make_employee("Chef"),))
        client.force_login(petra)
        assert "chef@firma.example" not in client.get(self.url).content.decode()
        for email in ("chef@firma.example", "papst@vatikan.example"):
            assert client.post(self.url, {"email": email}).status_code == 422
        assert not PreferredSender.objects.exists()

    def test_it_says_that_a_choice_is_permitted_no_longer(
        self, client: Client, petra: User
    ) -> None:
        prefer(petra, "weg@firma.example")
        client.force_login(petra)
        page = client.get(self.url).content.decode()
        assert "Mit „weg@firma.example“ dürfen Sie nicht mehr senden." in page


class TestPreselection:
    def test_it_is_the_first_of_the_identities(self, petra: User) -> None:
        assert [one.email for one in identities_for(petra)] == [SUPPORT, SALES]
        prefer(petra, SALES.upper())
        assert [one.email for one in identities_for(petra)] == [SALES, SUPPORT]
        assert [one.email for one in identities_for(make_user())] == [SUPPORT, SALES]

    def test_it_is_ignored_once_it_is_not_permitted(self, petra: User) -> None:
        prefer(petra, SALES)
        sales = MailAccount.objects.get(email=SALES)
        sales.employees.add(make_employee("Chef"))
        assert preferred_choice(petra) is None
        assert [one.email for one in identities_for(petra)] == [SUPPORT]
        assert default_sender(make_ticket(account=None), petra).email == SUPPORT

    def test_a_ticket_without_an_account_is_answered_with_it(self, petra: User) -> None:
        ticket = make_ticket(account=None)
        assert default_sender(ticket, petra).email == SUPPORT
        prefer(petra, SALES)
        assert default_sender(ticket, petra).email == SALES

    def test_the_rule_of_the_ticket_goes_before(self, petra: User) -> None:
        prefer(petra, SALES)
        ticket = make_ticket(account=MailAccount.objects.get(email=SUPPORT))
        assert default_sender(ticket, petra).email == SUPPORT


class TestDocuments:
    def test_it_is_the_users_sender_and_preselected(self) -> None:
        office = make_office()
        make_account(SALES)
        invoice = make_invoice()
        assert DispatchForm(document=invoice, user=office.user)["sender"].value() == "firma"
        prefer(office.user, SALES)
        form = DispatchForm(document=invoice, user=office.user)
        assert [one.email for one in form.senders] == ["rechnung@firma.example", SALES]
        assert form["sender"].value() == "benutzer"

    def test_whoever_prefers_the_companys_address_sends_as_the_company(self) -> None:
        office = make_office()
        prefer(office.user, "rechnung@firma.example")
        form = DispatchForm(document=make_invoice(), user=office.user)
        assert form["sender"].value() == "firma"

    def test_a_forbidden_one_leaves_the_own_address(self) -> None:
        office = make_office()
        make_account("chef@firma.example", employees=(make_employee("Chef"),))
        prefer(office.user, "chef@firma.example")
        senders = sender_options(project=None, user=office.user)
        assert [one.email for one in senders] == ["rechnung@firma.example", "petra@firma.example"]
        assert not any(one.is_preferred for one in senders)
