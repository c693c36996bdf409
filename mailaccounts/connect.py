"""The one seam to mail servers: from an account to a logged-in session.

A stored secret is used only with the server and user it was saved for (secrets.py), an access token
only with the provider's own servers and never without TLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.conf import settings

from company.secrets import SecretUnusable, binding, unseal
from mailaccounts.models import MailAccount
from mailaccounts.oauth_apps import oauth_provider
from mailaccounts.oauth_tokens import access_token_for
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import ImapSession, open_imap
from mailcore.server import AuthMethod, Encryption, ServerLogin
from mailcore.smtp import SmtpSession, open_smtp

_Session = TypeVar("_Session")
_PROVIDERS = {MailAccount.ImapAuth.GOOGLE, MailAccount.ImapAuth.MICROSOFT}


def connect_imap(account: MailAccount) -> ImapSession:
    """A logged-in IMAP session; the caller closes it. Raises MailError."""
    return _log_in(account, imap_login(account), open_imap)


def connect_smtp(account: MailAccount, *, transcript: list[str] | None = None) -> SmtpSession:
    """A logged-in SMTP session; the caller closes it. Raises MailError.

    `transcript` collects the dialogue, secrets masked.
    """

    def open_session(login: ServerLogin) -> SmtpSession:
        return open_smtp(login, transcript=transcript)

    return _log_in(account, smtp_login(account), open_session)


def _log_in(
    account: MailAccount, login: ServerLogin, open_session: Callable[[ServerLogin], _Session]
) -> _Session:
    """Opens the session; an access token the server refuses before its time is renewed once."""
    try:
        return open_session(login)
    except MailError as error:
        if error.kind is not Kind.OAUTH_REFUSED:
            raise
    token = access_token_for(account, refused=login.access_token)
    return open_session(replace(login, access_token=token))


def imap_binding(account: MailAccount) -> str:
    """What the account's IMAP password is sealed for."""
    return binding(
        host=account.imap_host,
        port=account.imap_port,
        encryption=account.imap_encryption,
        username=account.login_name,
    )


def smtp_binding(account: MailAccount) -> str:
    """What the account's own SMTP password is sealed for."""
    return binding(
        host=account.smtp_host,
        port=account.smtp_port,
        encryption=account.smtp_encryption,
        username=account.smtp_username or account.login_name,
    )


def imap_login(account: MailAccount) -> ServerLogin:
    """The values to log in with. Raises MailError where password or token cannot be used."""
    if account.imap_auth in _PROVIDERS:
        return _oauth_login(
            account,
            account.imap_auth,
            ServerLogin(account.imap_host, account.imap_port, Encryption(account.imap_encryption)),
        )
    return ServerLogin(
        host=account.imap_host,
        port=account.imap_port,
        encryption=Encryption(account.imap_encryption),
        username=account.login_name,
        password=_unsealed(account.imap_secret, imap_binding(account)),
        auth=AuthMethod.PASSWORD,
        timeout=settings.SERVER_TIMEOUT,
        ca_file=settings.TLS_CA_FILE,
    )


def smtp_login(account: MailAccount) -> ServerLogin:
    """The values to log in with; without an own SMTP password that of IMAP is used."""
    if account.smtp_auth in _PROVIDERS:
        server = ServerLogin(
            account.smtp_host, account.smtp_port, Encryption(account.smtp_encryption)
        )
        login = _oauth_login(account, account.smtp_auth, server)
        return replace(login, client_name=account.client_alias)
    password = ""
    if account.smtp_auth == MailAccount.SmtpAuth.PASSWORD:
        password = (
            _unsealed(account.smtp_secret, smtp_binding(account))
            if account.smtp_secret
            else _unsealed(account.imap_secret, imap_binding(account))
        )
    return ServerLogin(
        host=account.smtp_host,
        port=account.smtp_port,
        encryption=Encryption(account.smtp_encryption),
        username=account.smtp_username or account.login_name,
        password=password,
        auth=(
            AuthMethod.NONE
            if account.smtp_auth == MailAccount.SmtpAuth.NONE
            else AuthMethod.PASSWORD
        ),
        timeout=settings.SERVER_TIMEOUT,
        client_name=account.client_alias,
        ca_file=settings.TLS_CA_FILE,
    )


def _oauth_login(account: MailAccount, provider_key: str, server: ServerLogin) -> ServerLogin:
    """The server's login with the person's token; a shared mailbox is opened by its own address."""
    if not oauth_provider(provider_key).may_see_token(server.host):
        detail = f"{server.host} is no server of {provider_key}"
        raise MailError(Kind.OAUTH_FOREIGN_SERVER, Step.LOGIN, detail)
    if server.encryption is Encryption.NONE:
        raise MailError(Kind.LOGIN_NEEDS_TLS, Step.LOGIN, "a token is sent encrypted only")
    if account.oauth_grant is not None and account.oauth_grant.provider != provider_key:
        detail = f"signed in with {account.oauth_grant.provider}"
        raise MailError(Kind.OAUTH_SIGN_IN, Step.LOGIN, detail)
    return replace(
        server,
        username=account.email if account.is_shared_mailbox else account.login_name,
        access_token=access_token_for(account),
        auth=AuthMethod.OAUTH,
        timeout=settings.SERVER_TIMEOUT,
        ca_file=settings.TLS_CA_FILE,
    )


def _unsealed(sealed: str, bound_to: str) -> str:
    try:
        return unseal(sealed, bound_to)
    except SecretUnusable as error:
        raise MailError(Kind.PASSWORD_MISSING, Step.LOGIN, f"stored password: {error}") from error
