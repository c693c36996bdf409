"""Which account logs in with which person's grant: by address, whoever came first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from company.models import User
from company.rights import Right
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_grants import is_owner, link_account


@dataclass(frozen=True, slots=True)
class AccountSignIn:
    """Who is signed in for an account; no email where nobody ever was."""

    provider: str
    email: str
    is_good: bool


def accounts_of_provider(key: str) -> QuerySet[MailAccount]:
    """The accounts that log in with this provider in at least one direction."""
    incoming = Q(imap_auth=key) & (Q(imap_enabled=True) | Q(copy_to_sent=True))
    return MailAccount.objects.kept().filter(incoming | Q(smtp_auth=key, smtp_enabled=True))


def waiting_for(user: User, key: str) -> list[MailAccount]:
    """Accounts without a working grant that this user may sign in for: own ones, or all as admin."""
    accounts = accounts_of_provider(key).select_related("oauth_grant")
    if not user.may(Right.ADMINISTER):
        own = Q(employees__user=user)
        if user.email:
            own |= Q(email__iexact=user.email)
        accounts = accounts.filter(own).distinct()
    return [account for account in accounts if not has_working_grant(account, key)]


def has_working_grant(account: MailAccount, key: str) -> bool:
    grant = account.oauth_grant
    if grant is None or grant.provider != key or grant.state != OAuthGrant.State.OK:
        return False
    return account.is_shared_mailbox or is_owner(grant, account)


def link_by_address(grant: OAuthGrant) -> tuple[MailAccount, ...]:
    """Connects the accounts of the grant's address that have no working one; all that use it now."""
    for account in accounts_of_provider(grant.provider).select_related("oauth_grant"):
        if is_owner(grant, account) and not has_working_grant(account, grant.provider):
            link_to(account, grant)
    return tuple(grant.accounts.kept())


def find_grant(account: MailAccount, key: str) -> OAuthGrant | None:
    """Somebody's working grant of the account's own address, the newest first."""
    grants = OAuthGrant.objects.filter(provider=key, state=OAuthGrant.State.OK)
    return next((g for g in grants.order_by("-refreshed_at") if is_owner(g, account)), None)


def link_saved(account: MailAccount) -> None:
    """After its settings were saved: an account without a working grant takes that of its address."""
    key = provider_of(account)
    if not key or has_working_grant(account, key):
        return
    grant = find_grant(account, key)
    if grant is not None:
        link_to(account, grant)


def provider_of(account: MailAccount) -> str:
    """`google`, `microsoft`, or "" where the account logs in with a password."""
    keys = set(OAuthGrant.Provider.values)
    if account.imap_auth in keys and (account.imap_enabled or account.copy_to_sent):
        return account.imap_auth
    return account.smtp_auth if account.smtp_enabled and account.smtp_auth in keys else ""


def sign_in_of(account: MailAccount) -> AccountSignIn | None:
    """None for an account that logs in with a password."""
    key = provider_of(account)
    if not key:
        return None
    email = account.oauth_grant.email if account.oauth_grant else ""
    return AccountSignIn(key, email, has_working_grant(account, key))


def link_to(account: MailAccount, grant: OAuthGrant) -> None:
    """As `link_account`; nothing where it is linked already."""
    if account.oauth_grant_id != grant.pk:
        link_account(account, grant)
