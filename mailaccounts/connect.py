"""The one seam to mail servers: from an account to a logged-in session.

A stored secret is used only with the server and user it was saved for (secrets.py).
"""

from __future__ import annotations

from django.conf import settings

from mailaccounts.models import MailAccount
from mailaccounts.secrets import SecretUnusable, binding, unseal
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import ImapSession, open_imap
from mailcore.server import AuthMethod, Encryption, ServerLogin
from mailcore.smtp import SmtpSession, open_smtp


def connect_imap(account: MailAccount) -> ImapSession:
    """A logged-in IMAP session; the caller closes it. Raises MailError."""
    return open_imap(imap_login(account))


def connect_smtp(account: MailAccount, *, transcript: list[str] | None = None) -> SmtpSession:
    """A logged-in SMTP session; the caller closes it. Raises MailError.

    `transcript` collects the dialogue, secrets masked.
    """
    return open_smtp(smtp_login(account), transcript=transcript)


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
    """The values to log in with. Raises MailError where the password cannot be used."""
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


def _unsealed(sealed: str, bound_to: str) -> str:
    try:
        return unseal(sealed, bound_to)
    except SecretUnusable as error:
        raise MailError(Kind.PASSWORD_MISSING, Step.LOGIN, f"stored password: {error}") from error
