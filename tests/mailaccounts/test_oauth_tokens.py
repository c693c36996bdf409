"""Access tokens of accounts: renewed once, in time, by one; dead grants; where tokens may go."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from intake.poll import poll_account
from mailaccounts.connect import connect_imap, connect_smtp, imap_login, smtp_login
from mailaccounts.links import new_owner, ready_accounts
from mailaccounts.models import AccountLink, MailAccount, OAuthGrant
from mailaccounts.oauth_apps import has_oauth_app, oauth_app, oauth_provider, save_oauth_app
from mailaccounts.oauth_grants import WrongMailbox, disconnect, link_account, store_grant
from mailaccounts.oauth_tokens import access_token_for
from mailcore import oauth
from mailcore.errors import Kind, MailError
from mailcore.oauth import Tokens
from mailcore.oauth_errors import OAuthMisconfigured
from mailcore.server import AuthMethod
from outbox.deliver import deliver_account
from tests.factories import make_account, make_user
from tests.intake.mailbox import make_mail
from tests.outbox.outgoing import queue
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, AuthorizationServer
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True)]
ANNA = "anna@firma.example"
INCOMING = AccountLink.Direction.INCOMING


@pytest.fixture(autouse=True)
def providers(authorization: AuthorizationServer, settings: Settings) -> None:
    """Both providers are the local server, and an admin has registered Poststelle there."""
    settings.OAUTH_GOOGLE_URL = settings.OAUTH_MICROSOFT_URL = authorization.base_url
    settings.TLS_CA_FILE = authorization.ca_file
    for key in ("google", "microsoft"):
        assert save_oauth_app(key, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


def sign_in(server: AuthorizationServer, key: str, email: str = ANNA) -> OAuthGrant:
    """What the screens do: begin, consent, answer, finish, store."""
    provider, app = oauth_provider(key), oauth_app(key, redirect_uri=REDIRECT_URI)
    start = oauth.begin(provider, app, login_hint=email)
    code = oauth.read_answer(server.sign_in(start.url, email), state=start.state)
    tokens = oauth.finish(provider, app, code=code, code_verifier=start.code_verifier)
    return store_grant(user=make_user(), provider=provider, app=app, tokens=tokens)


def oauth_account(
    grant: OAuthGrant | None,
    email: str = ANNA,
    *,
    dovecot: Dovecot | None = None,
    key: str = "google",
    **values: Any,
) -> MailAccount:
    account = make_account(
        email,
        **{
            "imap_host": "localhost",
            "imap_port": dovecot.imaps_port if dovecot else 993,
            "imap_encryption": "ssl",
            "imap_auth": key,
            "smtp_host": "localhost",
            "smtp_port": dovecot.submission_port if dovecot else 587,
            "smtp_encryption": "starttls",
            "smtp_auth": key,
            "tickets_enabled": True,
            "since_date": None,
            **values,
        },
    )
    if grant:
        link_account(account, grant)
    return account


def expire(grant: OAuthGrant, **ago: float) -> None:
    """The access token's last second was that long ago (negative: is still to come)."""
    OAuthGrant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(**ago))


def state_of(account: MailAccount, direction: str = "in") -> str:
    link = AccountLink.objects.filter(account=account, direction=direction).first()
    return link.state if link else ""


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    """All at once; the results, errors among them."""
    barrier = threading.Barrier(count)

    def run() -> object:
        try:
            barrier.wait(10)
            return work()
        except MailError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [future.result(30) for future in [pool.submit(run) for _ in range(count)]]


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


@pytest.mark.parametrize("rotates", [False, True])
def test_a_token_is_renewed_five_minutes_before_it_expires(
    authorization: AuthorizationServer, rotates: bool
) -> None:
    authorization.rotates = rotates
    grant = sign_in(authorization, "microsoft")
    account = oauth_account(grant, key="microsoft")
    first = access_token_for(account)
    expire(grant, minutes=-6)
    assert access_token_for(account) == first
    before = OAuthGrant.objects.get().refresh_secret

    tokens = {first}
    for _ in range(3):
        expire(grant, minutes=-4.9)
        tokens.add(access_token_for(account))
    assert len(tokens) == 4
    assert authorization.refreshes() == 3
    grant.refresh_from_db()
    assert grant.expires_at > timezone.now() + timedelta(minutes=59)
    assert (grant.refreshing_by, grant.refreshing_until, grant.state) == ("", None, "ok")
    given = [body["refresh_token"] for _, body in authorization.requests if "refresh_token" in body]
    assert len(set(given)) == (3 if rotates else 1)
    assert grant.refresh_secret != before


def test_many_at_once_make_one_refresh_request(authorization: AuthorizationServer) -> None:
    authorization.rotates = True  # a second refresh with the old token would kill the grant
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    authorization.gate.clear()

    def open_gate() -> None:
        authorization.is_refreshing.wait(10)
        authorization.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    tokens = in_threads(8, lambda: access_token_for(account))
    opener.join(10)

    assert len(set(tokens)) == 1
    assert authorization.person_of(str(tokens[0])) == ANNA
    assert authorization.refreshes() == 1


_CHILD = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from mailaccounts.models import MailAccount
from mailaccounts.oauth_tokens import access_token_for
account = MailAccount.objects.get(pk=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(access_token_for(account))
"""


def test_two_processes_at_once_make_one_refresh_request(
    authorization: AuthorizationServer,
) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    authorization.gate.clear()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "POSTSTELLE_OAUTH_GOOGLE_URL": authorization.base_url,
        "POSTSTELLE_TLS_CA_FILE": authorization.ca_file,
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    command = [sys.executable, "-c", _CHILD, connection.settings_dict["NAME"], str(account.pk)]
    pipe = subprocess.PIPE
    children = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert authorization.is_refreshing.wait(20)
    authorization.gate.set()
    tokens = {child.communicate(timeout=30)[0].strip() for child in children}

    assert len(tokens) == 1
    assert authorization.person_of(tokens.pop()) == ANNA
    assert authorization.refreshes() == 1


def test_a_token_that_is_still_good_keeps_nobody_waiting(
    authorization: AuthorizationServer,
) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    old = access_token_for(account)
    expire(grant, minutes=-2)
    authorization.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(in_threads, 1, lambda: access_token_for(account))
        assert authorization.is_refreshing.wait(10)
        assert access_token_for(account) == old
        authorization.gate.set()
        new = renewing.result(10)[0]
    assert new != old
    assert access_token_for(account) == new
    assert authorization.refreshes() == 1


def test_all_learn_of_a_failure_and_none_tries_again_for_himself(
    authorization: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: set[int] = set()

    def sleep(seconds: float) -> None:
        waiting.add(threading.get_ident())
        if len(waiting) == 5:  # all but the one who asks
            authorization.gate.set()
        threading.Event().wait(seconds)

    monkeypatch.setattr("mailaccounts.oauth_tokens.time.sleep", sleep)
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    authorization.error = "temporarily_unavailable"
    authorization.gate.clear()
    errors = in_threads(6, lambda: access_token_for(account))

    assert {error.kind for error in errors if isinstance(error, MailError)} == {Kind.SERVER_BUSY}
    assert len(errors) == 6
    assert authorization.refreshes() == 1
    authorization.error = ""
    assert authorization.person_of(access_token_for(account)) == ANNA


def test_a_refresher_that_died_holds_up_nobody(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    host, _, rest = new_owner().partition(":")
    dead = f"{host}:999999999:{rest}"
    soon = timezone.now() + timedelta(seconds=50)
    OAuthGrant.objects.update(refreshing_by=dead, refreshing_until=soon)
    assert authorization.person_of(access_token_for(account)) == ANNA
    # On another host nobody can tell: the lease ends by itself.
    expire(grant, minutes=1)
    past = timezone.now() - timedelta(seconds=1)
    OAuthGrant.objects.update(refreshing_by="elsewhere:1:x", refreshing_until=past)
    assert authorization.person_of(access_token_for(account)) == ANNA


def test_waiting_has_an_end(
    authorization: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailaccounts.oauth_tokens._WAIT_SECONDS", 0.3)
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    expire(grant, minutes=1)
    soon = timezone.now() + timedelta(seconds=50)
    OAuthGrant.objects.update(refreshing_by="elsewhere:1:x", refreshing_until=soon)
    with pytest.raises(MailError) as caught:
        access_token_for(account)
    assert caught.value.kind is Kind.TIMEOUT
    assert authorization.refreshes() == 0


def test_the_provider_is_down(authorization: AuthorizationServer) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant)
    token = access_token_for(account)
    authorization.status = 503
    expire(grant, minutes=-3)
    assert access_token_for(account) == token  # still valid: nothing is lost yet
    expire(grant, minutes=1)
    summary = poll_account(account.pk)
    assert summary.error is not None
    assert summary.error.kind is Kind.SERVER_BUSY
    assert state_of(account) == "failing"
    grant.refresh_from_db()
    assert grant.state == "ok"
    assert "503" in grant.last_error

    authorization.status = 0
    assert authorization.person_of(access_token_for(account)) == ANNA
    grant.refresh_from_db()
    assert grant.last_error == ""


@pytest.mark.dovecot
def test_a_withdrawn_consent_is_found_once_and_waits_for_the_person(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(grant, dovecot=oauth_dovecot)
    assert poll_account(account.pk).error is None
    authorization.revoke_grants(ANNA)
    # Nobody may guess it from the clock: the token has an hour to go.
    OAuthGrant.objects.update(refreshed_at=timezone.now() - timedelta(minutes=10))

    summary = poll_account(account.pk)

    assert summary.error is not None
    assert summary.error.kind is Kind.OAUTH_SIGN_IN
    assert (state_of(account, "in"), state_of(account, "out")) == ("login", "login")
    grant.refresh_from_db()
    assert grant.state == "reauth"
    assert "invalid_grant" in grant.last_error
    assert not ready_accounts(INCOMING).filter(pk=account.pk).exists()
    assert authorization.refreshes() == 1
    queue(account)
    assert deliver_account(account.pk).total == 0
    for _ in range(3):
        assert poll_account(account.pk).error is not None
    assert authorization.refreshes() == 1
    assert state_of(account) == "login"

    # The person signs in again; everything goes on.
    provider, app = oauth_provider("google"), oauth_app("google", redirect_uri=REDIRECT_URI)
    start = oauth.begin(provider, app)
    query = authorization.sign_in(start.url, ANNA)
    tokens = oauth.finish(provider, app, code=query["code"], code_verifier=start.code_verifier)
    assert store_grant(user=grant.user, provider=provider, app=app, tokens=tokens).pk == grant.pk
    assert ready_accounts(INCOMING).filter(pk=account.pk).exists()
    assert poll_account(account.pk).error is None
    assert deliver_account(account.pk).sent == 1
    assert state_of(account) == "ok"


@pytest.mark.dovecot
def test_a_token_that_ends_during_a_poll(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    email = "poll@firma.example"
    grant = sign_in(authorization, "google", email)
    account = oauth_account(grant, email, dovecot=oauth_dovecot)
    oauth_dovecot.deliver(email, make_mail(1), make_mail(2))
    OAuthGrant.objects.update(refreshed_at=timezone.now() - timedelta(minutes=10))
    with connect_imap(account) as session:
        session.select("INBOX")
        authorization.expire_access_tokens()  # before its time, as after a change of password
        assert len(session.list_new(0, 10)) == 2  # the open session goes on
        with connect_imap(account) as other:  # and a new one gets a new token
            assert other.select("INBOX").messages == 2
    assert authorization.refreshes() == 1
    assert poll_account(account.pk).counts.done == 2
    assert authorization.refreshes() == 1


@pytest.mark.dovecot
def test_a_server_that_refuses_even_new_tokens_is_not_flooded(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot
) -> None:
    grant = sign_in(authorization, "google")
    account = oauth_account(
        grant, "fremd@firma.example", dovecot=oauth_dovecot, is_shared_mailbox=True
    )
    OAuthGrant.objects.update(refreshed_at=timezone.now() - timedelta(minutes=10))
    for _ in range(4):
        summary = poll_account(account.pk)
        assert summary.error is not None
        assert summary.error.kind is Kind.OAUTH_REFUSED
    assert authorization.refreshes() == 1
    assert state_of(account) == "login"
    grant.refresh_from_db()
    assert grant.state == "ok"  # the person's own mailbox is not to blame


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
