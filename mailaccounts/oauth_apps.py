"""Our registrations with Google and Microsoft („Grundeinstellungen“), and where the two are."""

from __future__ import annotations

from django.conf import settings

from company.models import CompanySettings
from company.secrets import SecretUnusable, seal, unseal
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from mailcore.errors import Kind
from mailcore.oauth_errors import OAuthMisconfigured
from mailcore.oauth_providers import GOOGLE, MICROSOFT, OAuthApp, Provider, google, microsoft


def oauth_provider(key: str) -> Provider:
    """The provider `google` or `microsoft`, at the address the settings give."""
    if key == GOOGLE:
        return google(base_url=settings.OAUTH_GOOGLE_URL, ca_file=settings.TLS_CA_FILE)
    if key == MICROSOFT:
        return microsoft(base_url=settings.OAUTH_MICROSOFT_URL, ca_file=settings.TLS_CA_FILE)
    raise ValueError(f"no such provider: {key!r}")


def has_oauth_app(key: str) -> bool:
    """Whether an admin has entered a registration, so that people can be offered to sign in."""
    return bool(_client_id(CompanySettings.load(), key))


def oauth_app(key: str, *, redirect_uri: str = "") -> OAuthApp:
    """The registration with its secret. Raises OAuthMisconfigured where there is none."""
    company = CompanySettings.load()
    client_id = _client_id(company, key)
    if not client_id:
        raise OAuthMisconfigured("client_id", f"no app is registered for {key}")
    sealed = company.oauth_google_secret if key == GOOGLE else company.oauth_microsoft_secret
    try:
        secret = unseal(sealed, _bound_to(key, client_id))
    except SecretUnusable as error:
        raise OAuthMisconfigured("client_secret", f"stored secret: {error}") from error
    tenant = company.oauth_microsoft_tenant if key == MICROSOFT else ""
    return OAuthApp(client_id, secret, redirect_uri, tenant)


def save_oauth_app(key: str, *, client_id: str, client_secret: str, tenant: str = "") -> bool:
    """Stores a registration and lets accounts it held try again.

    An empty secret keeps the stored one, which is good for the same client id only: False and
    nothing saved where it must be typed.
    """
    company, client_id = CompanySettings.load(), client_id.strip()
    if client_id and not client_secret and client_id != _client_id(company, key):
        return False
    changed: dict[str, str] = {f"oauth_{key}_client_id": client_id}
    if client_secret or not client_id:
        changed[f"oauth_{key}_secret"] = seal(client_secret, _bound_to(key, client_id))
    if key == MICROSOFT and tenant:
        changed["oauth_microsoft_tenant"] = tenant.strip().lower()
    CompanySettings.objects.filter(pk=company.pk).update(**changed)
    _wake_held_accounts(key)
    return True


def _client_id(company: CompanySettings, key: str) -> str:
    return company.oauth_google_client_id if key == GOOGLE else company.oauth_microsoft_client_id


def _bound_to(key: str, client_id: str) -> str:
    return f"oauth-app:{key}:{client_id}"


def _wake_held_accounts(key: str) -> None:
    accounts = MailAccount.objects.filter(oauth_grant__provider=key)
    kinds = (Kind.OAUTH_APP, Kind.OAUTH_SIGN_IN)  # the latter: sealed for another app
    held = AccountLink.objects.filter(account__in=accounts, error_kind__in=kinds)
    for link in held:
        links.wake(link.account_id, link.direction)
