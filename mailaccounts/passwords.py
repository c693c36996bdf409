"""Sealing typed passwords into an account, and saying when a stored one may not be used.

A stored password goes only to the server, port, encryption and user it was typed for.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from company.secrets import SecretUnusable, seal, unseal
from mailaccounts.connect import imap_binding, smtp_binding
from mailaccounts.models import MailAccount


def seal_imap_password(account: MailAccount, typed: str) -> str:
    """Puts a typed password into the account (unsaved), or returns why one must be typed, or ""."""
    if typed:
        account.imap_secret = seal(typed, imap_binding(account))
        return ""
    if account.imap_auth != MailAccount.ImapAuth.PASSWORD:
        return ""
    if not (account.imap_enabled or account.copy_to_sent):
        return ""
    if not account.imap_secret:
        return _("Bitte geben Sie das Passwort ein.")
    return _why_unusable(account.imap_secret, imap_binding(account))


def seal_smtp_password(
    account: MailAccount,
    typed: str,
    *,
    saved: MailAccount | None,
    follows_imap: bool,
    imap_was_typed: bool,
) -> str:
    """The same for SMTP, after seal_imap_password. Without an own password that of IMAP is used.

    `follows_imap`: an own password is given up. `imap_was_typed`: the IMAP password was entered
    together with these values, so it was meant for them.
    """
    if not account.smtp_enabled or account.smtp_auth != MailAccount.SmtpAuth.PASSWORD:
        return ""
    if typed:
        account.smtp_secret = seal(typed, smtp_binding(account))
        return ""
    if account.smtp_secret and not follows_imap:
        return _why_unusable(account.smtp_secret, smtp_binding(account))
    account.smtp_secret = ""
    if imap_was_typed:
        return ""
    if not account.imap_secret:
        return _("Bitte geben Sie das Passwort ein.")
    if not _sent_imap_password_there(saved, account):
        return _(
            "Das gespeicherte Passwort wurde nicht für diesen SMTP-Server eingegeben. "
            "Bitte geben Sie es hier noch einmal ein."
        )
    return _why_unusable(account.imap_secret, imap_binding(account))


def _sent_imap_password_there(saved: MailAccount | None, account: MailAccount) -> bool:
    """Whether the saved account already logs in at this SMTP server with its IMAP password."""
    return (
        saved is not None
        and saved.smtp_enabled
        and saved.smtp_auth == MailAccount.SmtpAuth.PASSWORD
        and not saved.smtp_secret
        and smtp_binding(saved) == smtp_binding(account)
    )


def _why_unusable(sealed: str, bound_to: str) -> str:
    try:
        unseal(sealed, bound_to)
    except SecretUnusable as error:
        if str(error) == "binding":
            return _(
                "Server, Port, Verschlüsselung oder Benutzername sind andere als bisher. "
                "Bitte geben Sie das Passwort noch einmal ein."
            )
        return _(
            "Das gespeicherte Passwort lässt sich nicht mehr lesen. "
            "Bitte geben Sie es noch einmal ein."
        )
    return ""
