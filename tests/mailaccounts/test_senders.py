"""Which account sends as an address (G1), and who may choose it (G5)."""

from __future__ import annotations

import pytest

from mailaccounts.models import AllowedSender, MailAccount
from mailaccounts.senders import NoAccountForSender, choose_account, identities_for, may_send_as
from tests.factories import make_account, make_employee, make_project, make_user, set_company

pytestmark = pytest.mark.django_db


def _company() -> dict[str, MailAccount]:
    """The accounts of a company, by name."""
    boss = make_employee("Chef", email="chef@firma.de")
    accounts = {
        "support": make_account("support@firma.de", allowed=("hilfe@firma.de", "@shop.de")),
        "vertrieb": make_account(
            "p123@hoster.de", sender_email="vertrieb@firma.de", allowed=("@firma.de",)
        ),
        "chef": make_account("chef@firma.de", employees=(boss,), allowed=("@shop.de",)),
        "alt": make_account("alt@firma.de", smtp_enabled=False, allowed=("@alt.de",)),
        "weg": make_account("weg@andere.de", allowed=("@weg.de",)),
        "standard": make_account(
            "zentrale@firma.de",
            is_default=True,
            smtp_auth="password",
            allowed=("@firma.de", "@tochter.de", "info@shop.de"),
        ),
        "umlaut": make_account("post@müller.de", allowed=("@bücher.de",)),
    }
    MailAccount.objects.filter(pk=accounts["weg"].pk).update(archived_at="2026-01-01T00:00:00Z")
    for name, account in accounts.items():
        MailAccount.objects.filter(pk=account.pk).update(description=name)
    return accounts


CHOICES = [
    # 1. the address itself
    ("support@firma.de", "support", "Adresse"),
    ("SUPPORT@Firma.DE", "support", "Adresse"),
    ("  support@firma.de ", "support", "Adresse"),
    ("vertrieb@firma.de", "vertrieb", "Adresse"),
    ("p123@hoster.de", "vertrieb", "Postfachadresse"),
    ("chef@firma.de", "chef", "Adresse"),
    ("zentrale@firma.de", "standard", "Adresse"),
    ("post@müller.de", "umlaut", "Adresse"),
    ("post@xn--mller-kva.de", "umlaut", "Adresse"),
    # 2. an allowed address
    ("hilfe@firma.de", "support", "erlaubter Absender"),
    ("Hilfe@firma.de", "support", "erlaubter Absender"),
    ("info@shop.de", "standard", "erlaubter Absender"),
    # 3. an allowed domain: the standard account first, shared ones before personal ones
    ("irgendwer@firma.de", "standard", "erlaubte Domain"),
    ("bestellung@shop.de", "support", "erlaubte Domain"),
    ("x@tochter.de", "standard", "erlaubte Domain"),
    ("x@TOCHTER.de", "standard", "erlaubte Domain"),
    ("laden@bücher.de", "umlaut", "erlaubte Domain"),
    ("laden@xn--bcher-kva.de", "umlaut", "erlaubte Domain"),
    ("o'brien@firma.de", "standard", "erlaubte Domain"),
    # an account that does not send leaves its address to the rules below it
    ("alt@firma.de", "standard", "erlaubte Domain"),
    # 4. nothing allows it
    ("x@alt.de", None, ""),
    ("weg@andere.de", None, ""),
    ("x@weg.de", None, ""),
    ("fremd@irgendwo.de", None, ""),
    ("x@sub.firma.de", None, ""),
    ("x@notfirma.de", None, ""),
    ("x@firma.de.evil.example", None, ""),
    ("support@firma.de@evil.example", None, ""),
    ("support", None, ""),
    ("@firma.de", None, ""),
    ("", None, ""),
    ("support@firma.de\r\nBcc: x@y.de", None, ""),
]


@pytest.mark.parametrize(("email", "expected", "reason"), CHOICES)
def test_the_account_of_an_address(email: str, expected: str | None, reason: str) -> None:
    accounts = _company()
    if expected is None:
        with pytest.raises(NoAccountForSender) as refusal:
            choose_account(email)
        assert email in refusal.value.text
        assert "Weitere erlaubte Absender" in refusal.value.text
        return
    choice = choose_account(email)
    assert choice.account == accounts[expected]
    assert choice.reason == f"{reason} des Accounts „{expected}“"
    assert choice.email == email.strip()


def test_a_standard_account_without_a_login_sends_as_any_address() -> None:
    relay = make_account("server@firma.de", is_default=True, smtp_auth="none")
    choice = choose_account("jemand@tochter.de")
    assert choice.account == relay
    assert choice.reason == f"Standard-Account „{relay}“"


def test_a_standard_account_with_a_login_does_not() -> None:
    make_account("server@firma.de", is_default=True, smtp_auth="password")
    with pytest.raises(NoAccountForSender):
        choose_account("jemand@tochter.de")


def test_the_refusal_says_where_sending_is_switched_off() -> None:
    make_account("nur-empfang@firma.de", smtp_enabled=False)
    with pytest.raises(NoAccountForSender, match="Extra SMTP Account aktivieren"):
        choose_account("nur-empfang@firma.de")


def test_the_sender_name_of_the_account_is_used() -> None:
    make_account("a@firma.de", display_name="Anzeige", sender_name="Absender")
    assert choose_account("a@firma.de").name == "Absender"


class TestMaySendAs:
    def test_a_shared_account_is_for_everybody(self) -> None:
        account = make_account("support@firma.de")
        assert may_send_as(make_user(), "support@firma.de").account == account

    def test_a_personal_account_is_for_its_employees_only(self) -> None:
        petra, other, admin = make_user(), make_user(), make_user(role="admin")
        account = make_account("petra@firma.de", employees=(make_employee(user=petra),))
        assert may_send_as(petra, "petra@firma.de").account == account
        for somebody in (other, admin):
            with pytest.raises(NoAccountForSender, match="dürfen Sie nicht senden"):
                may_send_as(somebody, "petra@firma.de")

    def test_a_personal_address_is_not_reached_by_the_domain_of_a_shared_account(self) -> None:
        make_account("support@firma.de", allowed=("@firma.de",))
        make_account("petra@firma.de", employees=(make_employee(user=make_user()),))
        with pytest.raises(NoAccountForSender):
            may_send_as(make_user(), "petra@firma.de", known=("petra@firma.de",))

    def test_an_allowed_domain_lends_no_foreign_name(self) -> None:
        make_account("support@firma.de", allowed=("@firma.de",))
        with pytest.raises(NoAccountForSender):
            may_send_as(make_user(), "geschaeftsfuehrung@firma.de")

    def test_an_allowed_domain_serves_the_own_address_with_the_own_name(self) -> None:
        user = make_user()
        make_employee("Petra Klein", user=user, email="p.klein@firma.de")
        account = make_account("support@firma.de", allowed=("@firma.de",))
        choice = may_send_as(user, "P.Klein@firma.de")
        assert (choice.account, choice.name) == (account, "Petra Klein")

    def test_an_allowed_domain_serves_company_and_project_addresses(self) -> None:
        make_account("support@firma.de", allowed=("@firma.de",))
        set_company(name="Firma GmbH", email="info@firma.de")
        make_project("N", name="Nord", sender_email="nord@firma.de")
        user = make_user()
        assert may_send_as(user, "info@firma.de").name == "Firma GmbH"
        assert may_send_as(user, "nord@firma.de").name == "Nord"

    def test_an_address_the_caller_vouches_for(self) -> None:
        account = make_account("support@firma.de", allowed=("@firma.de",))
        choice = may_send_as(make_user(), "alias@firma.de", known=("Alias@firma.de",))
        assert choice.account == account

    def test_vouching_needs_an_account_that_sends_as_it(self) -> None:
        make_account("support@firma.de")
        with pytest.raises(NoAccountForSender):
            may_send_as(make_user(), "alias@firma.de", known=("alias@firma.de",))


class TestIdentities:
    def test_own_first_then_the_standard_account_each_once(self) -> None:
        user = make_user()
        me = make_employee("Petra Klein", user=user, email="p.klein@firma.de")
        make_account("a@firma.de", description="A", allowed=("hilfe@firma.de", "@firma.de"))
        make_account("z@firma.de", description="Z", is_default=True)
        make_account("petra@firma.de", employees=(me,))
        make_account("fremd@firma.de", employees=(make_employee("Anna"),))
        assert [identity.email for identity in identities_for(user)] == [
            "petra@firma.de",
            "p.klein@firma.de",
            "z@firma.de",
            "a@firma.de",
            "hilfe@firma.de",
        ]

    def test_every_identity_may_be_sent_as(self) -> None:
        _company()
        set_company(name="Firma", email="info@firma.de")
        user = make_user()
        make_employee("Petra", user=user, email="petra@firma.de")
        identities = identities_for(user)
        assert len(identities) > 5
        for identity in identities:
            assert may_send_as(user, identity.email).account == identity.account

    def test_accounts_that_do_not_send_are_not_offered(self) -> None:
        make_account("stumm@firma.de", smtp_enabled=False)
        assert identities_for(make_user()) == ()

    def test_queries_do_not_grow_with_the_accounts(
        self, django_assert_max_num_queries: object
    ) -> None:
        user = make_user()
        make_employee(user=user, email="p@firma.de")
        for number in range(20):
            account = make_account(f"a{number}@firma.de")
            AllowedSender.objects.create(account=account, pattern=f"@d{number}.de")
        with django_assert_max_num_queries(11):  # type: ignore[operator]
            assert len(identities_for(user)) == 20
