"""G1 and G5 as one table: two accounts of one domain, one that may send as others, and everybody who asks."""

from __future__ import annotations

import pytest
from django.utils import timezone

from company.models import User
from mailaccounts.models import MailAccount
from mailaccounts.senders import NoAccountForSender, may_send_as
from tests.factories import make_account, make_employee, make_project, make_user, set_company

pytestmark = pytest.mark.django_db

# Who asks, with which address, vouched for or not → the account by name and the name shown; None: refused.
Case = tuple[str, str, bool, tuple[str, str] | None]
CASES: list[Case] = [
    # two accounts of one domain: each for its own address
    ("petra", "support@firma.de", False, ("support", "Support")),
    ("petra", "vertrieb@firma.de", False, ("vertrieb", "Vertrieb")),
    ("petra", "VERTRIEB@Firma.de", False, ("vertrieb", "Vertrieb")),
    ("admin", "support@firma.de", False, ("support", "Support")),
    # the account that may send as others: named addresses and a domain
    ("petra", "rechnung@firma.de", False, ("vertrieb", "Vertrieb")),
    ("petra", "hilfe@firma.de", False, ("support", "Support")),
    ("petra", "irgendwas@shop.de", False, None),
    ("petra", "irgendwas@shop.de", True, ("vertrieb", "Vertrieb")),
    # an alias the ticket came to
    ("petra", "service@shop.de", True, ("vertrieb", "Vertrieb")),
    ("petra", "service@firma.de", True, None),
    # the mailbox's name where another sender stands in the settings
    ("petra", "p123@hoster.de", False, ("extern", "Extern")),
    ("petra", "extern@partner.de", False, ("extern", "Extern")),
    # the company's own address and those of projects
    ("petra", "info@shop.de", False, ("vertrieb", "Firma GmbH")),
    ("petra", "nord@shop.de", False, ("vertrieb", "Projekt Nord")),
    ("petra", "alt@shop.de", False, None),  # a project that has ended
    ("petra", "sued@anders.de", False, None),  # a project no account sends for
    # the own address of a person, by the domain of another account
    ("petra", "p.klein@shop.de", False, ("vertrieb", "Petra Klein")),
    ("anna", "p.klein@shop.de", False, None),
    # personal accounts: their people alone, whatever the role
    ("petra", "petra@firma.de", False, ("petra", "Petra")),
    ("anna", "petra@firma.de", False, None),
    ("admin", "petra@firma.de", False, None),
    ("anna", "petra@firma.de", True, None),
    # no account, another's domain, look-alikes
    ("petra", "info@fremd.de", False, None),
    ("petra", "info@fremd.de", True, None),
    ("petra", "support@firma.de.evil.example", True, None),
    ("petra", "support@sub.firma.de", True, None),
    # deleted, switched off, paused
    ("petra", "weg@firma.de", False, None),
    ("petra", "stumm@firma.de", False, None),
    ("petra", "pause@firma.de", False, ("pause", "Pause")),  # it waits in the outbox
    # the standard account, which sends only what it is allowed to
    ("petra", "zentrale@firma.de", False, ("standard", "Zentrale")),
    ("petra", "fremd@tochter.de", True, ("standard", "Zentrale")),
    # what is no address
    ("petra", "support", False, None),
    ("petra", "", False, None),
    ("petra", "support@firma.de\r\nBcc: x@y.de", True, None),
]


@pytest.fixture
def people() -> dict[str, User]:
    users = {name: make_user(name, role="staff") for name in ("petra", "anna")}
    users["admin"] = make_user("admin", role="admin")
    me = make_employee("Petra Klein", user=users["petra"], email="p.klein@shop.de")
    make_employee("Anna", user=users["anna"], email="anna@woanders.de")
    set_company(name="Firma GmbH", email="info@shop.de")
    make_project(name="Projekt Nord", sender_email="nord@shop.de")
    make_project(name="Projekt Süd", sender_email="sued@anders.de")
    make_project(name="Projekt Alt", sender_email="alt@shop.de", is_active=False)
    _account("support", "support@firma.de", allowed=("hilfe@firma.de",))
    _account("vertrieb", "vertrieb@firma.de", allowed=("rechnung@firma.de", "@shop.de"))
    _account("extern", "p123@hoster.de", sender_email="extern@partner.de")
    _account("petra", "petra@firma.de", employees=(me,))
    _account("weg", "weg@firma.de")
    _account("stumm", "stumm@firma.de", smtp_enabled=False)
    _account("pause", "pause@firma.de", paused_at=timezone.now())
    _account(
        "standard",
        "zentrale@firma.de",
        display_name="Zentrale",
        is_default=True,
        smtp_auth="password",
        allowed=("@tochter.de",),
    )
    MailAccount.objects.filter(description="weg").update(archived_at=timezone.now())
    return users


def _account(name: str, email: str, **values: object) -> None:
    make_account(email, **{"description": name, "display_name": name.title(), **values})  # type: ignore[arg-type]


def test_there_are_thirty() -> None:
    assert len(CASES) >= 30
    assert len({case[:3] for case in CASES}) == len(CASES)


@pytest.mark.parametrize(("who", "email", "vouched", "expected"), CASES)
def test_case(
    people: dict[str, User],
    who: str,
    email: str,
    vouched: bool,
    expected: tuple[str, str] | None,
) -> None:
    known = (email,) if vouched else ()
    if expected is None:
        with pytest.raises(NoAccountForSender) as refusal:
            may_send_as(people[who], email, known=known)
        assert "dürfen Sie nicht senden" in refusal.value.text
        return
    choice = may_send_as(people[who], email, known=known)
    assert (choice.account.description, choice.name) == expected
    assert choice.email == email.strip()
    assert choice.reason
