"""Signing in with Google and Microsoft in the browser: the whole dance, its failures, its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from company.models import CompanySettings, User
from intake.poll import poll_account
from mailaccounts.models import AccountLink, MailAccount, OAuthGrant
from mailaccounts.oauth_apps import save_oauth_app
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.browser_forms import form_values
from tests.factories import make_account, make_employee, make_user
from tests.intake.mailbox import make_mail
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)

ANNA = "anna@firma.example"
SITE = "http://testserver"
CALLBACK = SITE + "/accounts/anmeldung/{}/zurueck/"


@pytest.fixture(autouse=True)
def providers(authorization: AuthorizationServer, settings: Settings) -> None:
    settings.BASE_URL = SITE
    settings.OAUTH_GOOGLE_URL = settings.OAUTH_MICROSOFT_URL = authorization.base_url
    settings.TLS_CA_FILE = authorization.ca_file
    authorization.redirect_uris = (CALLBACK.format("google"), CALLBACK.format("microsoft"))
    for key in ("google", "microsoft"):
        assert save_oauth_app(key, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


@pytest.fixture
def anna(client: Client) -> User:
    user = make_user("anna", email=ANNA)
    client.force_login(user)
    return user


def oauth_account(email: str = ANNA, key: str = "google", **values: Any) -> MailAccount:
    return make_account(
        email,
        **{
            "imap_host": "localhost",
            "imap_encryption": "ssl",
            "imap_auth": key,
            "smtp_host": "localhost",
            "smtp_port": 587,
            "smtp_encryption": "starttls",
            "smtp_auth": key,
            "tickets_enabled": True,
            "since_date": None,
            **values,
        },
    )


def page(key: str = "google") -> str:
    return reverse("mailaccounts:oauth_mailboxes", args=[key])


def dance(
    client: Client,
    server: AuthorizationServer,
    email: str = ANNA,
    *,
    key: str = "google",
    query: str = "",
    decision: str = "allow",
) -> str:
    """What a person does; returns the text of the page at its end."""
    begun = client.get(f"{page(key)}start/{query}")
    assert begun.status_code == 302
    assert begun["Location"].startswith(server.base_url)
    answer = server.sign_in(begun["Location"], email, decision=decision)
    return client.get(f"{page(key)}zurueck/", answer, follow=True).content.decode()


@pytest.mark.dovecot
@pytest.mark.parametrize("key", ["google", "microsoft"])
def test_from_the_button_to_fetched_and_sent_mail(
    client: Client, anna: User, authorization: AuthorizationServer, oauth_dovecot: Dovecot, key: str
) -> None:
    account = oauth_account(
        key=key, imap_port=oauth_dovecot.imaps_port, smtp_port=oauth_dovecot.submission_port
    )
    assert poll_account(account.pk).error is not None
    assert "wartet auf eine Anmeldung" in client.get(page(key)).content.decode()

    text = dance(client, authorization, key=key, query=f"?account={account.pk}")

    assert f"Sie sind als {ANNA} angemeldet. Verbunden: „{ANNA}“." in text
    before = Ticket.objects.count()
    oauth_dovecot.deliver(ANNA, make_mail(1, Message_ID=f"<{key}@x.example>"))
    assert poll_account(account.pk).error is None
    assert Ticket.objects.count() > before
    sent = client.post(reverse("outbox:own_test_mail", args=[account.pk]))
    assert client.get(sent["Location"]).status_code == 200
    deliver_account(account.pk)
    assert OutgoingMessage.objects.get().state == "sent"
    assert "verbunden" in client.get(page(key)).content.decode()


@pytest.mark.dovecot
def test_a_dead_grant_asks_for_a_new_sign_in_and_the_page_still_works(
    client: Client, anna: User, authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    account = oauth_account(imap_port=oauth_dovecot.imaps_port, smtp_enabled=False)
    dance(client, authorization)
    authorization.revoke_grants(ANNA)
    OAuthGrant.objects.update(refreshed_at=timezone.now() - timedelta(minutes=10))
    assert poll_account(account.pk).error is not None
    authorization.status = 503  # nobody is asked for the page
    text = client.get(page()).content.decode()
    assert "neu anmelden" in text
    assert "nimmt die bisherige Anmeldung nicht mehr an" in text
    assert "at-" not in text
    authorization.status = 0

    grant = OAuthGrant.objects.get()
    begun = client.get(f"{page()}start/?konto={grant.pk}")
    assert parse_qs(urlsplit(begun["Location"]).query)["login_hint"] == [ANNA]
    dance(client, authorization, query=f"?konto={grant.pk}")

    assert OAuthGrant.objects.get().pk == grant.pk
    assert poll_account(account.pk).error is None
    assert AccountLink.objects.get(account=account, direction="in").state == "ok"


def test_the_wrong_person_is_told_so_and_forgotten(
    client: Client, anna: User, authorization: AuthorizationServer
) -> None:
    account = oauth_account()
    text = dance(client, authorization, "bernd@firma.example", query=f"?account={account.pk}")
    assert "Sie haben sich als bernd@firma.example angemeldet, gebraucht wird aber" in text
    assert not OAuthGrant.objects.exists()
    assert "/revoke" in [path for path, _body in authorization.requests]
    account.refresh_from_db()
    assert account.oauth_grant is None


def test_a_shared_mailbox_takes_the_persons_own_account(
    client: Client, authorization: AuthorizationServer
) -> None:
    client.force_login(make_user("chefin", role="admin"))
    account = oauth_account("support@firma.example", "microsoft", is_shared_mailbox=True)
    text = dance(client, authorization, key="microsoft", query=f"?account={account.pk}&von=account")
    assert "Verbunden: „support@firma.example“" in text
    assert f"Angemeldet als {ANNA}." in text  # it is the account's own page
    account.refresh_from_db()
    assert account.oauth_grant is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision": "deny"}, "Sie haben den Zugriff bei Google abgelehnt"),
        ({"withholds": ("https://mail.google.com/",)}, "lassen Sie alle Häkchen gesetzt"),
        ({"status": 503}, "zurzeit nicht erreichbar"),
        ({"error": "invalid_client"}, "erkennt diese Poststelle nicht an"),
        ({"error": "invalid_grant"}, "schon verbraucht oder abgelaufen"),
    ],
)
def test_what_goes_wrong_is_said_in_german(
    client: Client,
    anna: User,
    authorization: AuthorizationServer,
    change: dict[str, Any],
    words: str,
) -> None:
    begun = client.get(f"{page()}start/")
    decision = change.get("decision", "allow")
    authorization.withholds = change.get("withholds", ())
    answer = authorization.sign_in(begun["Location"], ANNA, decision=decision)
    authorization.status, authorization.error = change.get("status", 0), change.get("error", "")
    text = client.get(f"{page()}zurueck/", answer, follow=True).content.decode()
    assert words in text
    assert not OAuthGrant.objects.exists()


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(
    client: Client, anna: User, authorization: AuthorizationServer
) -> None:
    begun = client.get(f"{page()}start/")
    answer = authorization.sign_in(begun["Location"], ANNA)
    stranger = Client()
    stranger.force_login(make_user("fremd"))
    refused = stranger.get(f"{page()}zurueck/", answer, follow=True).content.decode()
    assert "passt nicht zu dieser Anmeldung" in refused
    other = client.get(f"{page('microsoft')}zurueck/", answer, follow=True).content.decode()
    assert "passt nicht zu dieser Anmeldung" in other
    assert not OAuthGrant.objects.exists()
    again = authorization.sign_in(client.get(f"{page()}start/")["Location"], ANNA)
    client.get(f"{page()}zurueck/", again)
    assert OAuthGrant.objects.count() == 1
    repeated = client.get(f"{page()}zurueck/", again, follow=True).content.decode()
    assert "passt nicht zu dieser Anmeldung" in repeated
    assert Client().get(f"{page()}zurueck/", again)["Location"].startswith("/anmelden/")


def test_several_tabs_are_all_answered(
    client: Client, anna: User, authorization: AuthorizationServer
) -> None:
    begun = [client.get(f"{page()}start/")["Location"] for _ in range(3)]
    for number, address in enumerate(begun):
        answer = authorization.sign_in(address, f"box{number}@firma.example")
        client.get(f"{page()}zurueck/", answer)
    assert OAuthGrant.objects.filter(user=anna).count() == 3


def test_it_begins_where_the_answer_will_arrive(client: Client, anna: User) -> None:
    elsewhere = client.get(f"{page()}start/?konto=1", headers={"host": "127.0.0.1"})
    assert elsewhere["Location"] == f"{SITE}{page()}start/?konto=1"


def test_a_grant_that_came_before_its_account_is_used_by_it(
    client: Client, authorization: AuthorizationServer
) -> None:
    client.force_login(make_user("chefin", role="admin"))
    assert "Noch gibt es keinen E-Mail Account dieser Adresse" in dance(client, authorization)
    values = form_values(client.get(reverse("mailaccounts:new")), "@id='account-form'") | {
        "imap-display_name": ["Anna"],
        "imap-email": [ANNA],
        "imap-imap_host": ["imap.gmail.com"],
        "imap-imap_auth": ["google"],
    }
    saved = client.post(reverse("mailaccounts:new"), values)
    assert saved.status_code == 302
    assert MailAccount.objects.get().oauth_grant == OAuthGrant.objects.get()
    assert f"Angemeldet als {ANNA}." in client.get(saved["Location"]).content.decode()


def test_whose_mailboxes_one_may_sign_in_for(client: Client, anna: User) -> None:
    own = oauth_account()
    assigned = oauth_account("team@firma.example", employees=(make_employee("Anna", user=anna),))
    foreign = oauth_account("chef@firma.example")
    text = client.get(page()).content.decode()
    assert own.email in text
    assert assigned.email in text
    assert foreign.email not in text
    for account, status in ((own, 302), (assigned, 302), (foreign, 404)):
        assert client.get(f"{page()}start/?account={account.pk}").status_code == status
    for bad in ("x", "99999"):
        assert client.get(f"{page()}start/?account={bad}").status_code == 404
    assert client.get("/accounts/anmeldung/yahoo/").status_code == 404


@pytest.mark.parametrize("works", [True, False])
def test_disconnecting_revokes(
    client: Client, anna: User, authorization: AuthorizationServer, works: bool
) -> None:
    account = oauth_account()
    dance(client, authorization)
    grant = OAuthGrant.objects.get()
    address = reverse("mailaccounts:oauth_disconnect", args=[grant.pk])
    stranger = Client()
    stranger.force_login(make_user("fremd", role="admin"))
    assert stranger.post(address).status_code == 404
    assert stranger.post(reverse("outbox:own_test_mail", args=[account.pk])).status_code == 404
    assert client.get(address).status_code == 405
    authorization.status = 0 if works else 503
    text = client.post(address, follow=True).content.decode()
    authorization.status = 0
    assert ("der Zugriff ist widerrufen" if works else "Widerrufen Sie die Erlaubnis") in text
    assert not OAuthGrant.objects.exists()
    assert "wartet auf eine Anmeldung" in text


class TestApps:
    @pytest.fixture(autouse=True)
    def admin(self, client: Client) -> None:
        client.force_login(make_user("chefin", role="admin"))

    def post(self, client: Client, key: str, **values: str) -> Any:
        named = {f"{key}-{name}": value for name, value in values.items()}
        return client.post(reverse("mailaccounts:oauth_apps"), {"provider": key, **named})

    def test_the_page_shows_the_address_to_register_and_no_secret(self, client: Client) -> None:
        text = client.get(reverse("mailaccounts:oauth_apps")).content.decode()
        for key in ("google", "microsoft"):
            assert text.count(f'data-copy="{CALLBACK.format(key)}"') == 1
        assert CLIENT_ID in text
        assert CLIENT_SECRET not in text

    def test_a_new_id_needs_its_secret(self, client: Client) -> None:
        refused = self.post(client, "google", client_id="andere", client_secret="")
        assert refused.status_code == 422
        assert "Bitte geben Sie das Geheimnis zu dieser ID ein." in refused.content.decode()
        refused = self.post(client, "google", client_id="andere", client_secret="geheim-77")
        assert refused.status_code == 302
        company = CompanySettings.load()
        assert company.oauth_google_client_id == "andere"
        assert "geheim-77" not in company.oauth_google_secret

    def test_the_stored_secret_stays_with_its_id(self, client: Client) -> None:
        answer = self.post(client, "microsoft", client_id=CLIENT_ID, tenant="Firma.example")
        assert answer.status_code == 302
        assert CompanySettings.load().oauth_microsoft_tenant == "firma.example"

    @pytest.mark.parametrize("tenant", ["common", "", "a b", "https://x"])
    def test_a_tenant_that_is_none(self, client: Client, tenant: str) -> None:
        answer = self.post(client, "microsoft", client_id=CLIENT_ID, tenant=tenant)
        assert answer.status_code == 422
        assert "Verzeichnis-ID eingeben" in answer.content.decode()

    def test_without_an_app_nobody_is_sent_away(self, client: Client) -> None:
        assert self.post(client, "google", client_id="").status_code == 302
        assert "noch nicht eingerichtet" in client.get(page()).content.decode()
        answer = client.get(f"{page()}start/")
        assert answer["Location"] == page()
        said = [str(message) for message in get_messages(answer.wsgi_request)]
        assert "erkennt diese Poststelle nicht an" in said[0]

    def test_for_admins_only(self, client: Client) -> None:
        client.force_login(make_user(role="staff"))
        assert client.get(reverse("mailaccounts:oauth_apps")).status_code == 403
        client.force_login(make_user(role="auditor"))
        assert client.get(reverse("mailaccounts:oauth_apps")).status_code == 200
        assert self.post(client, "google", client_id="x", client_secret="y").status_code == 403
