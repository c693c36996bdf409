"""Signing in to a mailbox with Google or Microsoft (OAuth 2.0, authorisation code with PKCE).

1. `begin` gives the address to send the browser to. 2. `read_answer` reads what it comes back with.
3. `finish` exchanges the code. 4. `refresh` renews, `revoke` ends. Every request has a time-out and
goes to the provider's own addresses only; redirects are not followed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import requests
from google_auth_oauthlib.flow import Flow  # type: ignore[import-untyped]
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests_oauthlib import OAuth2Session

from mailcore.oauth_errors import (
    OAuthDenied,
    OAuthError,
    OAuthMisconfigured,
    OAuthUnavailable,
    OAuthUnusable,
    error_of,
)
from mailcore.oauth_identity import read_address, read_id_token
from mailcore.oauth_providers import GOOGLE, MICROSOFT, OAuthApp, Provider
from mailcore.oauth_session import prepare_session

_DEFAULT_LIFETIME = 3600  # seconds, where the provider does not tell


@dataclass(frozen=True, slots=True)
class AuthorizationStart:
    """Where to send the browser, and what to keep in the session until it comes back."""

    url: str
    state: str
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave us. `email`: who signed in, in lower case; empty after a refresh."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime  # aware, UTC
    scopes: tuple[str, ...]
    email: str = ""


def begin(provider: Provider, app: OAuthApp, *, login_hint: str = "") -> AuthorizationStart:
    """The start of a sign-in. Raises OAuthMisconfigured."""
    _check(provider, app)
    verifier = secrets.token_urlsafe(64)
    extra = dict(provider.extra) | ({"login_hint": login_hint} if login_hint else {})
    flow = _flow(provider, app, verifier, scopes=provider.scopes)
    with _translated(), flow.oauth2session:
        url, state = flow.authorization_url(**extra)
    return AuthorizationStart(url, state, verifier)


def read_answer(parameters: Mapping[str, str], *, state: str) -> str:
    """The code from the query the browser came back with; `state` as `begin` gave it.

    Raises OAuthUnusable for an answer to another question, OAuthDenied for a refused consent.
    """
    given = parameters.get("state", "")
    if not state or not secrets.compare_digest(given.encode(), state.encode()):
        raise OAuthUnusable("state", "not the answer to this sign-in")
    if error := parameters.get("error", ""):
        raise error_of(error, parameters.get("error_description", ""))
    if not parameters.get("code"):
        raise OAuthUnusable("code", "the answer holds no code")
    return parameters["code"]


def finish(provider: Provider, app: OAuthApp, *, code: str, code_verifier: str) -> Tokens:
    """Exchanges the code for tokens and tells who signed in. Raises OAuthError.

    Raises OAuthDenied where the person did not allow access to the mail, which both providers let
    them untick.
    """
    _check(provider, app)
    asked_at = datetime.now(UTC)
    with _flow(provider, app, code_verifier).oauth2session as session, _translated():
        answer = session.fetch_token(
            provider.token_url.format(tenant=app.tenant),
            code=code,
            code_verifier=code_verifier,
            client_secret=app.client_secret or None,
            include_client_id=True,
            timeout=provider.timeout,
        )
        tokens = _tokens(answer, asked_at, "")
        missing = set(provider.mail_scopes) - set(tokens.scopes)
        if missing:
            raise OAuthDenied("scope", f"not allowed: {' '.join(sorted(missing))}")
        if not tokens.refresh_token:
            raise OAuthUnusable("refresh_token", "the provider gave no refresh token")
        claims = read_id_token(str(answer.get("id_token", "")), app.client_id)
        email = read_address(claims, session, provider)
    return Tokens(
        tokens.access_token, tokens.refresh_token, tokens.expires_at, tokens.scopes, email
    )


def refresh(provider: Provider, app: OAuthApp, refresh_token: str) -> Tokens:
    """New tokens; the old refresh token is kept where no new one is given. Raises OAuthError.

    OAuthInvalidGrant: the person must sign in again. OAuthUnavailable: try later.
    """
    _check(provider, app)
    asked_at = datetime.now(UTC)
    with _flow(provider, app, "").oauth2session as session, _translated():
        answer = session.refresh_token(
            provider.token_url.format(tenant=app.tenant),
            refresh_token=refresh_token,
            timeout=provider.timeout,
            client_id=app.client_id,
            client_secret=app.client_secret,
        )
        return _tokens(answer, asked_at, refresh_token)


def revoke(provider: Provider, app: OAuthApp, token: str) -> bool:
    """Ends the grant at the provider; False where it offers no way (Microsoft). Raises OAuthError.

    A token the provider no longer knows counts as revoked.
    """
    if not provider.revoke_url:
        return False
    with _flow(provider, app, "").oauth2session as session, _translated():
        answer = session.post(provider.revoke_url, data={"token": token}, timeout=provider.timeout)
    if answer.ok or answer.status_code == requests.codes.bad_request:
        return True
    raise OAuthUnavailable(str(answer.status_code), "the grant could not be revoked")


def _check(provider: Provider, app: OAuthApp) -> None:
    if not app.client_id:
        raise OAuthMisconfigured("client_id", f"no app is registered for {provider.key}")
    if provider.key == MICROSOFT and not app.has_valid_tenant:
        raise OAuthMisconfigured("tenant", f"not a tenant: {app.tenant!r}")


class _MicrosoftFlow:
    """What google-auth-oauthlib's Flow is for Google, on requests-oauthlib."""

    def __init__(
        self, provider: Provider, app: OAuthApp, code_verifier: str, scopes: list[str] | None
    ) -> None:
        self._client = WebApplicationClient(app.client_id)
        self._authorize_url = provider.authorize_url.format(tenant=app.tenant)
        self._code_verifier = code_verifier
        self.oauth2session = OAuth2Session(
            client=self._client, scope=scopes, redirect_uri=app.redirect_uri or None
        )

    def authorization_url(self, **extra: str) -> tuple[str, str]:
        url, state = self.oauth2session.authorization_url(
            self._authorize_url,
            code_challenge=self._client.create_code_challenge(self._code_verifier, "S256"),
            code_challenge_method="S256",
            **extra,
        )
        return str(url), str(state)


def _flow(
    provider: Provider, app: OAuthApp, code_verifier: str, *, scopes: tuple[str, ...] | None = None
) -> Flow | _MicrosoftFlow:
    """The flow and its session. Without scopes for an exchange: the answer may name them differently.

    Google does so with `email`, and oauthlib would take that for a failure.
    """
    wanted = list(scopes) if scopes else None
    flow: Flow | _MicrosoftFlow
    if provider.key == GOOGLE:
        registration = {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "auth_uri": provider.authorize_url,
            "token_uri": provider.token_url,
        }
        flow = Flow.from_client_config(
            {"web": registration},
            wanted,
            redirect_uri=app.redirect_uri or None,
            code_verifier=code_verifier or None,
        )
    else:
        flow = _MicrosoftFlow(provider, app, code_verifier, wanted)
    prepare_session(flow.oauth2session, provider)
    return flow


def _tokens(answer: Mapping[str, object], asked_at: datetime, old_refresh_token: str) -> Tokens:
    lifetime = answer.get("expires_in")
    seconds = lifetime if isinstance(lifetime, int) and lifetime > 0 else _DEFAULT_LIFETIME
    scopes = answer.get("scope")
    return Tokens(
        access_token=str(answer["access_token"]),
        refresh_token=str(answer.get("refresh_token") or old_refresh_token),
        expires_at=asked_at + timedelta(seconds=min(seconds, 30 * 24 * 3600)),
        scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Library errors become ours. Their texts never hold a token: only codes and descriptions."""
    try:
        yield
    except OAuthError:
        raise
    except OAuth2Error as error:
        raise error_of(error.error or "", error.description or "") from error
    except requests.RequestException as error:
        raise OAuthUnavailable("connection", type(error).__name__) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OAuthUnavailable("answer", "the provider's answer cannot be read") from error
