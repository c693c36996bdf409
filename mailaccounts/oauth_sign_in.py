"""A person's sign-in with a provider: where the browser goes, and what becomes of its answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from company.models import User
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_apps import oauth_app, oauth_provider
from mailaccounts.oauth_grants import WrongMailbox, is_owner_address, store_grant
from mailaccounts.oauth_links import link_by_address, link_to
from mailcore.oauth import AuthorizationStart, Tokens, begin, finish, read_answer, revoke
from mailcore.oauth_errors import OAuthError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A finished sign-in. `accounts` log in with it from now on."""

    grant: OAuthGrant
    accounts: tuple[MailAccount, ...]


def redirect_uri(key: str) -> str:
    """Where the provider sends the browser back to; it must be registered there to the letter."""
    return settings.BASE_URL.rstrip("/") + reverse("mailaccounts:oauth_callback", args=[key])


def begin_sign_in(key: str, *, login_hint: str) -> AuthorizationStart:
    """The start of a sign-in with `google` or `microsoft`. Raises OAuthError."""
    app = oauth_app(key, redirect_uri=redirect_uri(key))
    return begin(oauth_provider(key), app, login_hint=login_hint)


def finish_sign_in(
    *,
    user: User,
    key: str,
    answer: Mapping[str, str],
    start: AuthorizationStart,
    account: MailAccount | None,
) -> SignIn:
    """Exchanges the code, keeps the grant and connects the accounts of its address.

    `account`: the mailbox it was begun for. Raises WrongMailbox where somebody else signed in, who is
    then forgotten, and OAuthError.
    """
    provider, app = oauth_provider(key), oauth_app(key, redirect_uri=redirect_uri(key))
    code = read_answer(answer, state=start.state)
    tokens = finish(provider, app, code=code, code_verifier=start.code_verifier)
    is_wrong = (
        account is not None
        and not account.is_shared_mailbox
        and not is_owner_address(tokens.email, account)
    )
    if is_wrong and account is not None:
        _forget(user, key, tokens)
        raise WrongMailbox(tokens.email, account.email)
    grant = store_grant(user=user, provider=provider, app=app, tokens=tokens)
    if account is not None:
        link_to(account, grant)
    linked = link_by_address(grant)
    return SignIn(grant, linked)


def _forget(user: User, key: str, tokens: Tokens) -> None:
    """Ends the consent nobody wanted, unless an earlier sign-in of that address lives by it."""
    if OAuthGrant.objects.filter(provider=key, email__iexact=tokens.email).exists():
        return
    try:
        revoke(oauth_provider(key), oauth_app(key), tokens.refresh_token)
    except OAuthError as error:
        log.warning("user %s: the consent for the wrong mailbox stays: %s", user.pk, error)
