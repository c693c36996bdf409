"""Signing in with Google and Microsoft against a real authorisation server on loopback."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from mailcore import oauth
from mailcore.imap import open_imap
from mailcore.oauth import AuthorizationStart, Tokens
from mailcore.oauth_errors import (
    OAuthDenied,
    OAuthError,
    OAuthInvalidGrant,
    OAuthMisconfigured,
    OAuthUnavailable,
    OAuthUnusable,
)
from mailcore.oauth_providers import OAuthApp, google, microsoft
from mailcore.server import AuthMethod
from mailcore.smtp import open_smtp
from tests.servers.dovecot import Dovecot
from tests.servers.free_port import free_port
from tests.servers.oauth import CLIENT_SECRET, AuthorizationServer

both = pytest.mark.parametrize("key", ["google", "microsoft"])


def sign_in(server: AuthorizationServer, key: str, email: str = "anna@firma.example") -> Tokens:
    provider, app = server.provider(key), server.app()
    start = oauth.begin(provider, app, login_hint=email)
    code = oauth.read_answer(server.sign_in(start.url, email), state=start.state)
    return oauth.finish(provider, app, code=code, code_verifier=start.code_verifier)


@both
def test_the_whole_dance(authorization: AuthorizationServer, key: str) -> None:
    before = datetime.now(UTC)
    tokens = sign_in(authorization, key, "Anna@Firma.Example")

    assert tokens.email == "anna@firma.example"
    assert set(authorization.provider(key).mail_scopes) <= set(tokens.scopes)
    assert authorization.person_of(tokens.access_token) == "Anna@Firma.Example"
    lifetime = tokens.expires_at - before
    assert timedelta(seconds=3590) < lifetime < timedelta(seconds=3610)
    assert tokens.access_token not in repr(tokens)
    assert tokens.refresh_token not in repr(tokens)


@both
def test_the_request_of_consent(authorization: AuthorizationServer, key: str) -> None:
    provider = authorization.provider(key)
    start = oauth.begin(provider, authorization.app(), login_hint="anna@firma.example")
    query = {name: values[0] for name, values in parse_qs(urlsplit(start.url).query).items()}

    challenge = base64.urlsafe_b64encode(hashlib.sha256(start.code_verifier.encode()).digest())
    assert query["code_challenge"] == challenge.decode().rstrip("=")
    assert query["code_challenge_method"] == "S256"
    assert query["state"] == start.state
    assert query["login_hint"] == "anna@firma.example"
    assert query["scope"].split() == list(provider.scopes)
    assert query.items() >= dict(provider.extra).items()
    assert start.code_verifier not in start.url
    assert start.code_verifier not in repr(start)
    other = oauth.begin(provider, authorization.app())
    assert {other.state, other.code_verifier}.isdisjoint({start.state, start.code_verifier})


def test_addresses_of_the_real_providers() -> None:
    app = OAuthApp("id", "secret", "https://erp.firma.example/zurueck/", "organizations")
    assert oauth.begin(google(), app).url.startswith(
        "https://accounts.google.com/o/oauth2/v2/auth?"
    )
    assert oauth.begin(microsoft(), app).url.startswith(
        "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?"
    )
    assert google().may_see_token("IMAP.gmail.com.")
    assert microsoft().may_see_token("smtp.office365.com")
    for host in ("imap.gmail.com.evil.example", "evilimap.gmail.com", "smtp.office365.com", ""):
        assert not google().may_see_token(host)
    assert "secret" not in repr(replace(app, client_id="x"))


@pytest.mark.parametrize("tenant", ["common", "", "a/../b", "x?y"])
def test_a_tenant_that_lets_everybody_in_is_refused(
    authorization: AuthorizationServer, tenant: str
) -> None:
    app = authorization.app(tenant=tenant)
    with pytest.raises(OAuthMisconfigured):
        oauth.begin(authorization.provider("microsoft"), app)


@both
def test_another_verifier_gets_nothing(authorization: AuthorizationServer, key: str) -> None:
    provider, app = authorization.provider(key), authorization.app()
    start = oauth.begin(provider, app)
    code = authorization.sign_in(start.url, "anna@firma.example")["code"]
    with pytest.raises(OAuthInvalidGrant):
        oauth.finish(provider, app, code=code, code_verifier="x" * 64)


def test_a_code_works_once(authorization: AuthorizationServer) -> None:
    provider, app = authorization.provider("google"), authorization.app()
    start = oauth.begin(provider, app)
    code = authorization.sign_in(start.url, "anna@firma.example")["code"]
    oauth.finish(provider, app, code=code, code_verifier=start.code_verifier)
    with pytest.raises(OAuthInvalidGrant):
        oauth.finish(provider, app, code=code, code_verifier=start.code_verifier)


def _started(authorization: AuthorizationServer) -> AuthorizationStart:
    return oauth.begin(authorization.provider("google"), authorization.app())


def test_denied_consent(authorization: AuthorizationServer) -> None:
    start = _started(authorization)
    query = authorization.sign_in(start.url, "anna@firma.example", decision="deny")
    with pytest.raises(OAuthDenied, match="denied by the person"):
        oauth.read_answer(query, state=start.state)


@pytest.mark.parametrize("state", ["", "another", "ä"])
def test_the_answer_to_another_sign_in(authorization: AuthorizationServer, state: str) -> None:
    start = _started(authorization)
    query = authorization.sign_in(start.url, "anna@firma.example")
    with pytest.raises(OAuthUnusable):
        oauth.read_answer(query | {"state": state}, state=start.state)
    with pytest.raises(OAuthUnusable):
        oauth.read_answer(query | {"state": ""}, state="")
    with pytest.raises(OAuthUnusable):
        oauth.read_answer({"state": start.state}, state=start.state)


@pytest.mark.parametrize(
    ("key", "scope"),
    [
        ("google", "https://mail.google.com/"),
        ("microsoft", "https://outlook.office.com/SMTP.Send"),
    ],
)
def test_access_to_the_mail_unticked(
    authorization: AuthorizationServer, key: str, scope: str
) -> None:
    authorization.withholds = (scope,)
    with pytest.raises(OAuthDenied, match=scope):
        sign_in(authorization, key)


def test_no_refresh_token(authorization: AuthorizationServer) -> None:
    authorization.withholds = ("offline_access",)
    with pytest.raises(OAuthUnusable, match="refresh_token"):
        sign_in(authorization, "microsoft")


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"preferred_username": "Anna@firma.example"}, "anna@firma.example"),
        ({"email": "a@firma.example", "preferred_username": "b@x.example"}, "a@firma.example"),
        ({"email": "a@x.example", "email_verified": False, "upn": "b@x.example"}, "b@x.example"),
    ],
)
def test_who_signed_in(
    authorization: AuthorizationServer, claims: dict[str, object], email: str
) -> None:
    authorization.id_token_claims = claims
    assert sign_in(authorization, "microsoft").email == email


def test_userinfo_tells_who_signed_in_where_the_id_token_does_not(
    authorization: AuthorizationServer,
) -> None:
    authorization.has_id_token = False
    assert sign_in(authorization, "google").email == "anna@firma.example"
    with pytest.raises(OAuthUnusable, match="who signed in"):
        sign_in(authorization, "microsoft")


def test_an_id_token_for_another_app(authorization: AuthorizationServer) -> None:
    authorization.id_token_claims = {"aud": "another-app", "email": "anna@firma.example"}
    with pytest.raises(OAuthUnusable, match="another app"):
        sign_in(authorization, "google")


@both
@pytest.mark.parametrize("rotates", [False, True])
def test_refresh(authorization: AuthorizationServer, key: str, rotates: bool) -> None:
    authorization.rotates = rotates
    first = sign_in(authorization, key)
    provider, app = authorization.provider(key), authorization.app()

    second = oauth.refresh(provider, app, first.refresh_token)

    assert authorization.person_of(second.access_token) == "anna@firma.example"
    assert second.access_token != first.access_token
    assert (second.refresh_token != first.refresh_token) is rotates
    third = oauth.refresh(provider, app, second.refresh_token)
    assert authorization.person_of(third.access_token) == "anna@firma.example"


@both
def test_a_grant_withdrawn_at_the_provider(authorization: AuthorizationServer, key: str) -> None:
    tokens = sign_in(authorization, key)
    authorization.revoke_grants("anna@firma.example")
    with pytest.raises(OAuthInvalidGrant):
        oauth.refresh(authorization.provider(key), authorization.app(), tokens.refresh_token)


def test_revoking(authorization: AuthorizationServer) -> None:
    tokens = sign_in(authorization, "google")
    provider, app = authorization.provider("google"), authorization.app()
    assert oauth.revoke(provider, app, tokens.refresh_token)
    assert authorization.person_of(tokens.access_token) == ""
    assert oauth.revoke(provider, app, "not known any more")
    authorization.status = 503
    with pytest.raises(OAuthUnavailable):
        oauth.revoke(provider, app, tokens.refresh_token)
    assert not oauth.revoke(authorization.provider("microsoft"), app, tokens.refresh_token)


@both
@pytest.mark.parametrize("status", [500, 503, 429, 200, 302])
def test_a_provider_that_is_not_well(
    authorization: AuthorizationServer, key: str, status: int
) -> None:
    authorization.status = status
    with pytest.raises(OAuthUnavailable):
        oauth.refresh(authorization.provider(key), authorization.app(), "rt-x")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_grant", OAuthInvalidGrant),
        ("interaction_required", OAuthInvalidGrant),
        ("temporarily_unavailable", OAuthUnavailable),
        ("server_error", OAuthUnavailable),
        ("unauthorized_client", OAuthMisconfigured),
        ("invalid_scope", OAuthMisconfigured),
        ("never heard of", OAuthMisconfigured),
    ],
)
def test_what_the_provider_says(
    authorization: AuthorizationServer, error: str, kind: type[OAuthError]
) -> None:
    authorization.error = error
    with pytest.raises(kind) as caught:
        oauth.refresh(authorization.provider("microsoft"), authorization.app(), "rt-x")
    assert caught.value.code == error


@both
def test_a_wrong_secret_is_our_fault_and_is_not_told(
    authorization: AuthorizationServer, key: str
) -> None:
    tokens = sign_in(authorization, key)
    app = replace(authorization.app(), client_secret="falsch")
    with pytest.raises(OAuthMisconfigured, match="invalid_client") as caught:
        oauth.refresh(authorization.provider(key), app, tokens.refresh_token)
    assert "falsch" not in str(caught.value)
    assert CLIENT_SECRET not in repr(authorization.app())


def test_nobody_there() -> None:
    provider = google(base_url=f"https://localhost:{free_port()}")
    with pytest.raises(OAuthUnavailable):
        oauth.refresh(provider, OAuthApp("id", "secret"), "rt-x")


def test_a_silent_provider(authorization: AuthorizationServer) -> None:
    tokens = sign_in(authorization, "google")
    authorization.gate.clear()
    provider = replace(authorization.provider("google"), timeout=0.2)
    with pytest.raises(OAuthUnavailable, match="ReadTimeout"):
        oauth.refresh(provider, authorization.app(), tokens.refresh_token)


def test_an_unknown_certificate_gets_no_secret(authorization: AuthorizationServer) -> None:
    provider = google(base_url=authorization.base_url)
    with pytest.raises(OAuthUnavailable):
        oauth.refresh(provider, authorization.app(), "rt-x")
    assert authorization.requests == []


def test_no_plain_http(tmp_path: Path) -> None:
    provider = google(base_url="http://localhost:9")
    app = OAuthApp("id", "secret", "https://erp.firma.example/zurueck/")
    with pytest.raises(OAuthMisconfigured):
        oauth.begin(provider, app)
    with pytest.raises(OAuthMisconfigured):
        oauth.refresh(provider, app, "rt-x")
    with pytest.raises(OAuthMisconfigured, match="ca_file"):
        oauth.refresh(google(ca_file=str(tmp_path / "missing.pem")), app, "rt-x")


@pytest.mark.dovecot
@both
def test_the_token_opens_the_mailbox_and_no_other(
    authorization: AuthorizationServer, oauth_dovecot: Dovecot, key: str
) -> None:
    token = sign_in(authorization, key, f"{key}@firma.example").access_token
    logins = [
        make(name, auth=AuthMethod.OAUTH)
        for name in (f"{key}@firma.example", "chef@firma.example")
        for make in (oauth_dovecot.imap_login, oauth_dovecot.smtp_login)
    ]
    imap, smtp, foreign_imap, foreign_smtp = (replace(x, access_token=token) for x in logins)
    with open_imap(imap) as session:
        assert "INBOX" in {folder.name for folder in session.folders()}
    with open_smtp(smtp) as smtp_session:
        assert smtp_session.is_usable
    with pytest.raises(Exception, match="oauth_refused"):
        open_imap(foreign_imap)
    with pytest.raises(Exception, match="oauth_refused"):
        open_smtp(foreign_smtp)
    authorization.expire_access_tokens()
    with pytest.raises(Exception, match="oauth_refused"):
        open_imap(imap)
