"""A valid access token for an account, renewed in time and by one process at a time."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from company.secrets import SecretUnusable
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount, OAuthGrant
from mailaccounts.oauth_apps import oauth_app, oauth_provider
from mailaccounts.oauth_grants import is_owner
from mailaccounts.oauth_seals import seal_token, unseal_token
from mailcore.errors import Kind, MailError, Step
from mailcore.oauth import Tokens, refresh
from mailcore.oauth_errors import OAuthError, OAuthInvalidGrant, OAuthMisconfigured
from mailcore.oauth_providers import OAuthApp, Provider

log = logging.getLogger(__name__)
State = OAuthGrant.State
REFRESH_BEFORE = timedelta(minutes=5)
_STILL_GOOD = timedelta(seconds=30)  # enough to log in with
_LEASE = timedelta(seconds=60)  # longer than a refresh request can take
_NEW = timedelta(minutes=1)  # a token refused so soon will not be better next time
_WAIT_SECONDS, _LOOK_SECONDS = 20.0, 0.1


def access_token_for(account: MailAccount, *, refused: str = "") -> str:
    """A token that is valid for at least 30 seconds. Not to be called inside a transaction.

    `refused`: the mail server did not take this one, so it is renewed although it has not expired
    (a provider may end tokens early). Raises MailError: OAUTH_SIGN_IN where a person must sign in,
    OAUTH_APP where an admin must act, OAUTH_REFUSED for a token refused although new, others are
    temporary.
    """
    request = _Request(account, refused, timezone.now())
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        holder = _Holder.of(request)
        token = holder.token
        if holder.is_fresh(refused):
            return token
        if token == refused and holder.grant.refreshed_at > timezone.now() - _NEW:
            raise MailError(Kind.OAUTH_REFUSED, Step.LOGIN, "a new token was refused")
        if not holder.is_valid(refused):
            _raise_if_failed(holder.grant, request.started_at)
        owner = _take_lease(holder.grant)
        if owner:
            return _refresh(holder, owner, refused)
        if holder.is_valid(refused):
            return token
        if time.monotonic() > deadline:
            raise MailError(Kind.TIMEOUT, Step.LOGIN, "waited too long for a new access token")
        time.sleep(_LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class _Request:
    account: MailAccount
    refused: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class _Holder:
    """A grant as it stands on its row now, and what is needed to use it."""

    grant: OAuthGrant
    provider: Provider
    app: OAuthApp
    token: str

    @classmethod
    def of(cls, request: _Request) -> _Holder:
        """Raises MailError where the account has no grant that can be used."""
        account = request.account
        grant = OAuthGrant.objects.filter(pk=account.oauth_grant_id or 0).first()
        if grant is None:
            raise MailError(Kind.OAUTH_SIGN_IN, Step.LOGIN, "nobody has signed in")
        if not account.is_shared_mailbox and not is_owner(grant, account):
            raise MailError(Kind.OAUTH_SIGN_IN, Step.LOGIN, f"signed in as {grant.email}")
        if grant.state == State.REAUTH:
            raise _sign_in_again(grant.last_error)
        try:
            provider, app = oauth_provider(grant.provider), oauth_app(grant.provider)
            token = unseal_token(grant.access_secret, grant, provider=provider, app=app)
        except OAuthMisconfigured as error:
            raise MailError(Kind.OAUTH_APP, Step.LOGIN, str(error)) from error
        except SecretUnusable as error:
            # Another app or server was set, maybe by mistake: with the old one it is good again.
            raise _sign_in_again(f"stored token: {error}") from error
        return cls(grant, provider, app, token)

    def is_fresh(self, refused: str) -> bool:
        return self._lasts(REFRESH_BEFORE, refused)

    def is_valid(self, refused: str) -> bool:
        return self._lasts(_STILL_GOOD, refused)

    def _lasts(self, how_long: timedelta, refused: str) -> bool:
        return self.token != refused and self.grant.expires_at > timezone.now() + how_long


def _take_lease(grant: OAuthGrant) -> str | None:
    """The right to refresh this very token, or None: somebody else does or did."""
    if grant.refreshing_by and links.is_owner_dead(grant.refreshing_by):
        _release(grant, grant.refreshing_by)
    owner, now = links.new_owner(), timezone.now()
    # The row must be as we read it: neither renewed nor failed in the meantime.
    unchanged = OAuthGrant.objects.filter(
        pk=grant.pk,
        state=State.OK,
        access_secret=grant.access_secret,
        failed_at=grant.failed_at,
    )
    taken = unchanged.filter(Q(refreshing_until__isnull=True) | Q(refreshing_until__lt=now)).update(
        refreshing_by=owner, refreshing_until=now + _LEASE
    )
    return owner if taken else None


def _refresh(holder: _Holder, owner: str, refused: str) -> str:
    grant = holder.grant
    try:
        secret = unseal_token(grant.refresh_secret, grant, provider=holder.provider, app=holder.app)
        tokens = refresh(holder.provider, holder.app, secret)
    except SecretUnusable as error:
        _release(grant, owner)
        raise _sign_in_again(f"stored token: {error}") from error
    except OAuthInvalidGrant as error:
        _give_up(grant, owner, str(error))
        raise _sign_in_again(str(error)) from error
    except OAuthError as error:
        log.warning("grant %s: no new token: %s", grant.pk, error)
        _release(grant, owner, error=str(error))
        if holder.is_valid(refused):
            return holder.token
        is_ours = isinstance(error, OAuthMisconfigured)
        kind = Kind.OAUTH_APP if is_ours else Kind.SERVER_BUSY
        raise MailError(kind, Step.LOGIN, f"{holder.provider.key}: {error}") from error
    _store(holder, owner, tokens)
    return tokens.access_token


def _store(holder: _Holder, owner: str, tokens: Tokens) -> None:
    """Writes the tokens, unless the lease was lost: then the row has something newer."""
    grant, provider, app = holder.grant, holder.provider, holder.app
    OAuthGrant.objects.filter(pk=grant.pk, refreshing_by=owner).update(
        access_secret=seal_token(
            tokens.access_token, provider=provider, app=app, email=grant.email
        ),
        refresh_secret=seal_token(
            tokens.refresh_token, provider=provider, app=app, email=grant.email
        ),
        expires_at=tokens.expires_at,
        refreshed_at=timezone.now(),
        refreshing_by="",
        refreshing_until=None,
        failed_at=None,
        last_error="",
    )


def _release(grant: OAuthGrant, owner: str, *, error: str = "") -> None:
    """Frees the lease; with an error the others learn that there is nothing to wait for."""
    failed = {"failed_at": timezone.now(), "last_error": error[:300]} if error else {}
    OAuthGrant.objects.filter(pk=grant.pk, refreshing_by=owner).update(
        refreshing_by="", refreshing_until=None, **failed
    )


def _raise_if_failed(grant: OAuthGrant, since: datetime) -> None:
    """The one we waited for failed: asking again at once would only repeat it."""
    if grant.failed_at and grant.failed_at >= since:
        raise MailError(Kind.SERVER_BUSY, Step.LOGIN, f"{grant.provider}: {grant.last_error}")


def _give_up(grant: OAuthGrant, owner: str, reason: str) -> None:
    """The grant is dead: nothing more is asked, and its accounts wait for a person.

    A sign-in that came in between has taken our lease away and stands.
    """
    dead = OAuthGrant.objects.filter(pk=grant.pk, refreshing_by=owner).update(
        state=State.REAUTH,
        refreshing_by="",
        refreshing_until=None,
        failed_at=timezone.now(),
        last_error=reason[:300],
    )
    if not dead:
        return
    log.warning("grant %s is dead: %s", grant.pk, reason)
    for account in MailAccount.objects.kept().filter(oauth_grant=grant):
        for direction in _directions(account, grant.provider):
            links.record_refusal(account.pk, direction, _sign_in_again(reason))


def _directions(account: MailAccount, provider: str) -> list[str]:
    found: list[str] = []
    if account.imap_enabled and account.imap_auth == provider:
        found.append(AccountLink.Direction.INCOMING)
    if account.smtp_enabled and account.smtp_auth == provider:
        found.append(AccountLink.Direction.OUTGOING)
    return found


def _sign_in_again(reason: str) -> MailError:
    return MailError(Kind.OAUTH_SIGN_IN, Step.LOGIN, reason)
