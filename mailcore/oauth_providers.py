"""Where Google and Microsoft let people sign in, what we ask them for, and who may see their tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

GOOGLE, MICROSOFT = "google", "microsoft"

_LOGIN_MICROSOFT = "https://login.microsoftonline.com"
_GOOGLE_HOSTS = (
    "imap.gmail.com",
    "smtp.gmail.com",
    "imap.googlemail.com",
    "smtp.googlemail.com",
)
_MICROSOFT_HOSTS = (
    "outlook.office365.com",
    "smtp.office365.com",
    "outlook.office.com",
    "imap-mail.outlook.com",
    "smtp-mail.outlook.com",
)
_TENANT = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Provider:
    """An authorisation server. `{tenant}` in its addresses is the app's tenant."""

    key: str
    authorize_url: str
    token_url: str
    revoke_url: str  # empty: the provider has none
    userinfo_url: str  # empty: the address stands in the id_token or nowhere
    scopes: tuple[str, ...]
    mail_scopes: tuple[str, ...]  # without these the tokens open no mailbox
    token_hosts: tuple[str, ...]  # mail servers the access token may be shown to
    extra: tuple[tuple[str, str], ...] = ()  # of the authorisation request
    ca_file: str = ""  # PEM; trusted in addition to the system's authorities
    timeout: float = 15  # seconds per answer

    def may_see_token(self, host: str) -> bool:
        return host.lower().rstrip(".") in self.token_hosts


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """Our registration with a provider. `tenant` is Microsoft's: organizations, consumers, an id."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""  # needed to sign in, not to refresh
    tenant: str = ""

    @property
    def has_valid_tenant(self) -> bool:
        """`common` is none: it would let in anybody's account of any company."""
        return self.tenant != "common" and _TENANT.fullmatch(self.tenant.lower()) is not None


def google(*, base_url: str = "", ca_file: str = "") -> Provider:
    """Google; `base_url` puts another server in its place, whose host then gets the tokens too."""
    base = base_url.rstrip("/")
    token_base = base or "https://oauth2.googleapis.com"
    return Provider(
        key=GOOGLE,
        authorize_url=f"{base or 'https://accounts.google.com'}/o/oauth2/v2/auth",
        token_url=f"{token_base}/token",
        revoke_url=f"{token_base}/revoke",
        userinfo_url=f"{base or 'https://openidconnect.googleapis.com'}/v1/userinfo",
        scopes=("https://mail.google.com/", "openid", "email"),
        mail_scopes=("https://mail.google.com/",),
        token_hosts=_token_hosts(_GOOGLE_HOSTS, base),
        # Without prompt=consent only the first sign-in of a person yields a refresh token.
        extra=(("access_type", "offline"), ("prompt", "consent")),
        ca_file=ca_file,
    )


def microsoft(*, base_url: str = "", ca_file: str = "") -> Provider:
    """Microsoft 365 and Outlook.com; `base_url` as for Google."""
    base = base_url.rstrip("/")
    address = f"{base or _LOGIN_MICROSOFT}/{{tenant}}/oauth2/v2.0"
    mail_scopes = (
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
    )
    return Provider(
        key=MICROSOFT,
        authorize_url=f"{address}/authorize",
        token_url=f"{address}/token",
        revoke_url="",
        # Microsoft's userinfo wants a token of another service (Graph).
        userinfo_url="",
        # profile: preferred_username, where a person of the company has no `email` claim.
        scopes=("openid", "email", "profile", "offline_access", *mail_scopes),
        mail_scopes=mail_scopes,
        token_hosts=_token_hosts(_MICROSOFT_HOSTS, base),
        # A browser signed in as somebody else would otherwise consent without a question.
        extra=(("prompt", "select_account"),),
        ca_file=ca_file,
    )


def _token_hosts(hosts: tuple[str, ...], base_url: str) -> tuple[str, ...]:
    own = urlsplit(base_url).hostname if base_url else None
    return (*hosts, own) if own else hosts
