"""Sending through the mail server of this very machine: localhost, port 25, without a login."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from company.models import CompanySettings, User
from mailaccounts.account_actions import make_default
from mailaccounts.account_audit import logged
from mailaccounts.links import wake
from mailaccounts.models import MailAccount

_HOST, _PORT = "localhost", 25
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


class LocalServerRefused(Exception):
    """Something is missing or in the way. The text is German and says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def is_local(account: MailAccount) -> bool:
    """Whether it sends through this machine's own server, which asks for no login."""
    return (
        account.smtp_enabled
        and account.smtp_host.lower() in _LOCAL_HOSTS
        and account.smtp_auth == MailAccount.SmtpAuth.NONE
    )


def set_up_local_server(actor: User) -> MailAccount:
    """Makes the local server the standard way out, as the company's address. Safe to repeat.

    A mailbox of that address which could not send so far sends through it from now on. Raises
    LocalServerRefused where the address is missing or already sends through another server.
    """
    company = CompanySettings.load()
    if not company.email:
        raise LocalServerRefused(
            _("Tragen Sie zuerst in den Grundeinstellungen die E-Mail-Adresse der Firma ein.")
        )
    with transaction.atomic():
        accounts = MailAccount.objects.kept().select_for_update()
        account = accounts.filter(email__iexact=company.email).first()
        if account is None:
            account = MailAccount(
                email=company.email,
                display_name=company.name or company.email,
                description=_("Lokaler Mailserver"),
                imap_enabled=False,
            )
        if account.smtp_enabled and not is_local(account):
            raise LocalServerRefused(
                _(
                    "Für %(email)s gibt es schon den Account „%(account)s“ mit dem Server "
                    "%(server)s. Machen Sie ihn zum Standard, oder stellen Sie dort den "
                    "SMTP-Server auf „localhost“, Port 25, ohne Anmeldung."
                )
                % {"email": company.email, "account": account, "server": account.smtp_host}
            )
        if not account.smtp_enabled:
            account.smtp_enabled = True
            account.smtp_host, account.smtp_port = _HOST, _PORT
            account.smtp_encryption = MailAccount.SmtpEncryption.NONE
            account.smtp_auth = MailAccount.SmtpAuth.NONE
            account.smtp_secret = ""
        with logged(actor, account):
            account.save()
            wake(account.pk)
        make_default(account, actor)
    return account
