"""Anna, who signs in at the local provider, and accounts that use her tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from mailaccounts.models import AccountLink, MailAccount, OAuthGrant
from mailaccounts.oauth_apps import oauth_app, oauth_provider, save_oauth_app
from mailaccounts.oauth_grants import link_account, store_grant
from mailcore import oauth
from mailcore.errors import MailError
from tests.factories import make_account, make_user
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, AuthorizationServer

ANNA = "anna@firma.example"
INCOMING = AccountLink.Direction.INCOMING


def use_providers(authorization: AuthorizationServer, settings: Settings) -> None:
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
