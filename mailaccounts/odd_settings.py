"""Combinations that are allowed but hardly ever meant; shown on the account page, never in the way."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.models import MailAccount

_LOCAL = ("localhost", "127.", "::1")


def odd_imap_settings(account: MailAccount) -> list[str]:
    if not (account.imap_enabled and account.imap_host):
        return []
    found = []
    encryption, port = account.imap_encryption, account.imap_port
    if port == 993 and encryption != MailAccount.Encryption.SSL:
        found.append(_("Port 993 gehört zu SSL/TLS. Üblich ist diese Verschlüsselung."))
    if port == 143 and encryption == MailAccount.Encryption.SSL:
        found.append(_("Port 143 gehört zu STARTTLS. Für SSL/TLS ist Port 993 üblich."))
    if port in (110, 995):
        found.append(_("Port %(port)d gehört zu POP3. Poststelle spricht IMAP.") % {"port": port})
    if encryption == MailAccount.Encryption.NONE and not _is_local(account.imap_host):
        found.append(_("IMAP ohne Verschlüsselung: Das Passwort ist unterwegs lesbar."))
    if account.copy_to_sent and account.provider_files_sent_mail:
        found.append(
            _(
                "Dieser Anbieter legt gesendete E-Mails selbst im Versendetordner ab. "
                "Poststelle legt dort keine zweite Kopie ab."
            )
        )
    return found


def odd_smtp_settings(account: MailAccount) -> list[str]:
    if not (account.smtp_enabled and account.smtp_host):
        return []
    found = []
    encryption, port = account.smtp_encryption, account.smtp_port
    if port == 465 and encryption != MailAccount.SmtpEncryption.SSL:
        found.append(_("Port 465 gehört zu SSL. Üblich ist diese Verschlüsselung."))
    if port in (25, 587) and encryption == MailAccount.SmtpEncryption.SSL:
        found.append(
            _("Port %(port)d gehört zu TLS (STARTTLS). Für SSL ist Port 465 üblich.")
            % {"port": port}
        )
    sends_password = account.smtp_auth != MailAccount.SmtpAuth.NONE
    is_open = encryption == MailAccount.SmtpEncryption.NONE
    if is_open and sends_password and not _is_local(account.smtp_host):
        found.append(_("SMTP ohne Verschlüsselung: Das Passwort ist unterwegs lesbar."))
    return found


def _is_local(host: str) -> bool:
    return host.lower().startswith(_LOCAL)
