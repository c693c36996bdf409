"""Access tokens are renewed once, in time, by one; what happens where that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from intake.poll import poll_account
from mailaccounts.connect import connect_imap
from mailaccounts.links import new_owner, ready_accounts
from mailaccounts.models import OAuthGrant
from mailaccounts.oauth_apps import oauth_app, oauth_provider
from mailaccounts.oauth_grants import store_grant
from mailaccounts.oauth_tokens import access_token_for
from mailcore import oauth
from mailcore.errors import Kind, MailError
from outbox.deliver import deliver_account
from tests.intake.mailbox import make_mail
from tests.mailaccounts.oauth_people import (
    ANNA,
    INCOMING,
    expire,
    in_threads,
    oauth_account,
    sign_in,
    state_of,
)
from tests.outbox.outgoing import queue
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import REDIRECT_URI, AuthorizationServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("providers")]


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
