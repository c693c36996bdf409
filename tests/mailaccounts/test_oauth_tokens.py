"""Access tokens of accounts: what they open, where they may go, who may see and end them."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from intake.poll import poll_account
from mailaccounts.connect import connect_smtp, imap_login, smtp_login
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_apps import has_oauth_app, oauth_app, oauth_provider, save_oauth_app
from mailaccounts.oauth_grants import WrongMailbox, disconnect, link_account, store_grant
from mailaccounts.oauth_tokens import access_token_for
from mailcore.errors import Kind, MailError
from mailcore.oauth import Tokens
from mailcore.oauth_errors import OAuthMisconfigured
from mailcore.server import AuthMethod
from outbox.deliver import deliver_account
from tests.factories import make_user
from tests.intake.mailbox import make_mail
from tests.mailaccounts.oauth_people import (
    ANNA,
    expire,
    in_threads,
    oauth_account,
    sign_in,
    state_of,
)
from tests.outbox.outgoing import queue
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("providers")]


@pytest.mark.dovecot
@pytest.mark.parametrize("key", ["google", "microsoft"])
def test_an_account_fetches_and_sends_with_the_token(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot, key: str
) -> None:
    email = f"{key}-account@firma.example"
    grant = sign_in(authorization, key, email)
    account = oauth_account(grant, email, dovecot=oauth_dovecot, key=key)
    oauth_dovecot.deliver(email, make_mail(1))

    summary = poll_account(account.pk)

    assert summary.error is None
    assert Ticket.objects.filter(subject="Anfrage 1").count() == 1
    with connect_smtp(account) as session:
        assert session.is_usable
    outgoing = queue(account)
    assert deliver_account(account.pk).sent == 1
    outgoing.refresh_from_db()
    assert outgoing.state == "sent"
    assert authorization.refreshes() == 0


def test_tokens_are_sealed_for_their_person_app_and_server(
    authorization: AuthorizationServer, settings: Settings
) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    token = access_token_for(account)
    assert authorization.person_of(token) == ANNA
    grant.refresh_from_db()
    assert token not in grant.access_secret
    assert "rt-" not in grant.refresh_secret

    settings.OAUTH_GOOGLE_URL = "https://evil.example"
    with pytest.raises(MailError) as caught:
        access_token_for(account)
    assert caught.value.kind is Kind.OAUTH_SIGN_IN
    settings.OAUTH_GOOGLE_URL = authorization.base_url
    OAuthGrant.objects.update(email="chef@firma.example")
    MailAccount.objects.update(email="chef@firma.example")
    account.refresh_from_db()
    with pytest.raises(MailError) as caught:
        access_token_for(account)
    assert caught.value.kind is Kind.OAUTH_SIGN_IN
    assert authorization.refreshes() == 0


def test_the_wrong_person_signed_in(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google", "bernd@firma.example")
    account = oauth_account(None)
    with pytest.raises(WrongMailbox) as caught:
        link_account(account, grant)
    assert (caught.value.signed_in, caught.value.mailbox) == ("bernd@firma.example", ANNA)
    account.refresh_from_db()
    assert account.oauth_grant is None
    # Neither does a changed row or address open another mailbox.
    MailAccount.objects.update(oauth_grant=grant)
    account.refresh_from_db()
    with pytest.raises(MailError) as refused:
        imap_login(account)
    assert refused.value.kind is Kind.OAUTH_SIGN_IN


@pytest.mark.parametrize("email", ["Anna@Googlemail.com", "anna@gmail.com"])
def test_gmails_two_domains_are_one(authorization: AuthorizationServer, email: str) -> None:
    account = oauth_account(sign_in(authorization, "google", "anna@gmail.com"), email)
    assert imap_login(account).access_token


@pytest.mark.dovecot
def test_a_shared_mailbox_is_opened_by_its_address_with_the_persons_token(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    authorization.acts_as = {ANNA: "support@firma.example"}
    grant = sign_in(authorization, "microsoft")
    account = oauth_account(
        grant,
        "support@firma.example",
        dovecot=oauth_dovecot,
        key="microsoft",
        is_shared_mailbox=True,
        username="p123456",
    )
    assert imap_login(account).username == smtp_login(account).username == "support@firma.example"
    oauth_dovecot.deliver("support@firma.example", make_mail(7))
    assert poll_account(account.pk).counts.done == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"imap_host": "imap.gmail.com.evil.example"}, Kind.OAUTH_FOREIGN_SERVER),
        ({"imap_host": "127.0.0.1"}, Kind.OAUTH_FOREIGN_SERVER),
        ({"imap_host": "outlook.office365.com"}, Kind.OAUTH_FOREIGN_SERVER),
        ({"imap_encryption": "none"}, Kind.LOGIN_NEEDS_TLS),
        ({"imap_auth": "microsoft"}, Kind.OAUTH_SIGN_IN),
    ],
)
def test_where_a_token_does_not_go(
    authorization: AuthorizationServer, values: dict[str, Any], kind: Kind
) -> None:
    account = oauth_account(sign_in(authorization, "google"), **values)
    with pytest.raises(MailError) as caught:
        imap_login(account)
    assert caught.value.kind is kind
    assert smtp_login(account).auth is AuthMethod.OAUTH
    MailAccount.objects.update(**{name.replace("imap", "smtp"): v for name, v in values.items()})
    account.refresh_from_db()
    with pytest.raises(MailError) as caught:
        smtp_login(account)
    assert caught.value.kind is kind


def test_one_direction_may_use_a_password(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant, smtp_auth="password", client_alias="erp.firma.example")
    smtp = smtp_login(account)
    assert (smtp.auth, smtp.password, smtp.access_token) == (AuthMethod.PASSWORD, "geheim", "")
    expire(grant, minutes=1)
    authorization.revoke_grants(ANNA)
    assert poll_account(account.pk).error is not None
    assert (state_of(account, "in"), state_of(account, "out")) == ("login", "")
    MailAccount.objects.update(smtp_auth="google")
    account.refresh_from_db()
    OAuthGrant.objects.update(state="ok", expires_at=timezone.now() + timedelta(hours=1))
    assert smtp_login(account).client_name == "erp.firma.example"


def test_nobody_signed_in(authorization: AuthorizationServer) -> None:
    account = oauth_account(None)
    assert poll_account(account.pk).error is not None
    assert state_of(account) == "login"
    grant = sign_in(authorization, "google")
    link_account(account, grant)
    assert state_of(account) == "unknown"
    assert imap_login(account).access_token


def test_the_registration_is_wrong_for_a_while(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    save_oauth_app("google", client_id=CLIENT_ID, client_secret="abgelaufen")
    expire(grant, minutes=1)
    for _ in range(3):
        summary = poll_account(account.pk)
        assert summary.error is not None
        assert summary.error.kind is Kind.OAUTH_APP
    assert state_of(account) == "login"
    save_oauth_app("google", client_id="vertippt", client_secret=CLIENT_SECRET)
    assert poll_account(account.pk).error is not None
    assert state_of(account) == "login"

    save_oauth_app("google", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    assert state_of(account) == "unknown"
    grant.refresh_from_db()
    assert grant.state == "ok"
    assert authorization.person_of(access_token_for(account)) == ANNA


def test_a_stored_app_secret_is_good_for_its_client_id_only() -> None:
    assert not save_oauth_app("google", client_id="another", client_secret="")
    assert oauth_app("google").client_id == CLIENT_ID
    assert save_oauth_app(
        "microsoft", client_id=CLIENT_ID, client_secret="", tenant="Firma.example"
    )
    app = oauth_app("microsoft")
    assert (app.client_secret, app.tenant) == (CLIENT_SECRET, "firma.example")
    assert save_oauth_app("google", client_id="", client_secret="")
    assert not has_oauth_app("google")
    assert has_oauth_app("microsoft")
    with pytest.raises(OAuthMisconfigured):
        oauth_app("google")


@pytest.mark.parametrize("works", [True, False])
def test_disconnecting(authorization: AuthorizationServer, works: bool) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    token = access_token_for(account)
    authorization.status = 0 if works else 503
    assert disconnect(grant) is works
    authorization.status = 0
    assert bool(authorization.person_of(token)) is not works
    account.refresh_from_db()
    assert account.oauth_grant is None
    with pytest.raises(MailError):
        access_token_for(account)


def test_a_sign_in_during_a_refresh_wins(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    authorization.revoke_grants(ANNA)
    authorization.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(in_threads, 1, lambda: access_token_for(account))
        assert authorization.is_refreshing.wait(10)
        tokens = Tokens("at-new", "rt-new", timezone.now() + timedelta(hours=1), (), ANNA)
        provider, app = oauth_provider("google"), oauth_app("google")
        store_grant(user=grant.user, provider=provider, app=app, tokens=tokens)
        authorization.gate.set()
        refreshing.result(10)
    grant.refresh_from_db()
    assert grant.state == "ok"
    assert state_of(account) != "login"
    assert access_token_for(account) == "at-new"


def test_a_person_sees_only_her_own_sign_ins(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    admin = make_user(role="admin")
    assert list(OAuthGrant.objects.visible_to(grant.user)) == [grant]
    assert not OAuthGrant.objects.visible_to(admin).exists()


def test_the_libraries_do_not_log_tokens() -> None:
    for name in ("requests_oauthlib.oauth2_session", "oauthlib.oauth2.rfc6749.clients.base"):
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
