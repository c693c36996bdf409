"""Tokens at rest: sealed for one provider's address, one app and one signed-in person.

A row that was changed, or a setting that names another authorisation server, opens nothing.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from company.secrets import seal, unseal
from mailaccounts.models import OAuthGrant
from mailcore.oauth_providers import OAuthApp, Provider


def seal_token(token: str, *, provider: Provider, app: OAuthApp, email: str) -> str:
    return seal(token, _bound_to(provider, app, email))


def unseal_token(sealed: str, grant: OAuthGrant, *, provider: Provider, app: OAuthApp) -> str:
    """Raises SecretUnusable where the token was not sealed for these."""
    return unseal(sealed, _bound_to(provider, app, grant.email))


def _bound_to(provider: Provider, app: OAuthApp, email: str) -> str:
    host = urlsplit(provider.token_url).netloc
    return f"oauth:{provider.key}:{host}:{app.client_id}:{email.lower()}"
