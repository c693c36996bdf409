"""A person signed in with a provider: keeping the grant, using it for a mailbox, giving it up."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from company.models import User
from company.secrets import SecretUnusable
from mailaccounts import links
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_apps import oauth_app, oauth_provider
from mailaccounts.oauth_seals import seal_token, unseal_token
from mailcore.oauth import Tokens, revoke
from mailcore.oauth_errors import OAuthError
from mailcore.oauth_providers import OAuthApp, Provider

log = logging.getLogger(__name__)


class WrongMailbox(Exception):
    """The person signed in is not the mailbox's owner, and it is not marked as shared."""

    def __init__(self, signed_in: str, mailbox: str) -> None:
        super().__init__(f"{signed_in} is not {mailbox}")
        self.signed_in = signed_in
        self.mailbox = mailbox


def store_grant(*, user: User, provider: Provider, app: OAuthApp, tokens: Tokens) -> OAuthGrant:
    """Keeps the tokens of a finished sign-in; the same person's earlier grant is renewed.

    Accounts that waited for it go on by themselves.
    """
    email, now = tokens.email.lower(), timezone.now()
    with transaction.atomic():
        grant, _ = OAuthGrant.objects.update_or_create(
            user=user,
            provider=provider.key,
            email=email,
            defaults={
                "access_secret": seal_token(
                    tokens.access_token, provider=provider, app=app, email=email
                ),
                "refresh_secret": seal_token(
                    tokens.refresh_token, provider=provider, app=app, email=email
                ),
                "expires_at": tokens.expires_at,
                "refreshed_at": now,
                "state": OAuthGrant.State.OK,
                # A refresh that is under way has the old token: its result must not win.
                "refreshing_by": "",
                "refreshing_until": None,
                "failed_at": None,
                "last_error": "",
            },
        )
        for account in grant.accounts.all():
            links.wake(account.pk)
    return grant


def is_owner(grant: OAuthGrant, account: MailAccount) -> bool:
    """Whether the person signed in is the mailbox's, by address or login name."""
    return is_owner_address(grant.email, account)


def is_owner_address(email: str, account: MailAccount) -> bool:
    """As `is_owner`, for the address a provider told."""
    return _canonical(email) in {_canonical(account.email), _canonical(account.login_name)}


def link_account(account: MailAccount, grant: OAuthGrant) -> None:
    """The account logs in with this grant from now on. Raises WrongMailbox."""
    if not account.is_shared_mailbox and not is_owner(grant, account):
        raise WrongMailbox(grant.email, account.email)
    account.oauth_grant = grant
    account.save(update_fields=["oauth_grant"])
    links.wake(account.pk)


def disconnect(grant: OAuthGrant) -> bool:
    """Revokes at the provider where it can be and forgets the tokens in any case.

    False: the provider could not be told, so the person should withdraw the consent there.
    """
    is_revoked = False
    try:
        app, provider = oauth_app(grant.provider), oauth_provider(grant.provider)
        token = unseal_token(grant.refresh_secret, grant, provider=provider, app=app)
        is_revoked = revoke(provider, app, token)
    except (OAuthError, SecretUnusable) as error:
        log.warning("grant %s could not be revoked: %s", grant.pk, error)
    grant.delete()
    return is_revoked


def _canonical(address: str) -> str:
    """Gmail's two domains are one; the provider answers with either."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local}{at}{'gmail.com' if domain == 'googlemail.com' else domain}"
