"""What the connection test tests: the values in the form, whether they were saved or not."""

from __future__ import annotations

from datetime import datetime, time

from django.utils import timezone

from mailaccounts.account_page import AccountPage
from mailaccounts.connect import imap_login, smtp_login
from mailaccounts.connection_test import ImapTest, SmtpTest
from mailaccounts.folder_forms import INBOX, active_folders
from mailaccounts.models import MailAccount
from mailaccounts.panels import ImapPanel
from mailaccounts.remedies import explain
from mailcore.errors import MailError

PROTOCOLS = ("imap", "smtp")
# Without these nothing can be tested; errors of other fields do not matter for it.
_NEEDED = {
    "imap": {"email", "username", "imap_host", "imap_port", "imap_encryption", "password"},
    "smtp": {
        "smtp_host",
        "smtp_port",
        "smtp_encryption",
        "smtp_username",
        "sender_email",
        "password",
    },
}


def values_to_test(page: AccountPage, protocol: str) -> ImapTest | SmtpTest | list[str] | None:
    """The test of a protocol; or what is missing, in German; or None where it is switched off.

    A stored password is used only if server, port, encryption and user are those it was saved for.
    """
    imap, smtp = page.panel("imap"), page.panel("smtp")
    page.fill([imap, smtp])
    account, panel = page.account, page.panel(protocol)
    if not _is_used(account, protocol):
        return None
    missing = [
        f"{field.label}: {errors[0]}"
        for name, errors in panel.form.errors.items()
        if name in _NEEDED[protocol] and (field := panel.form.fields[name])
    ]
    if missing:
        return missing
    try:
        login = smtp_login(account) if protocol == "smtp" else imap_login(account)
    except MailError as error:  # no access token
        said = explain(error.kind, error.step)
        return [f"{said.happened} {said.remedy}"]
    if protocol == "smtp":
        return SmtpTest(login, account.from_email)
    assert isinstance(imap, ImapPanel)
    return ImapTest(
        login,
        folders=active_folders(imap.folders) or (INBOX,),
        since=_start_of(account),
        sent_folder=account.sent_folder if account.copy_to_sent else "",
    )


def _is_used(account: MailAccount, protocol: str) -> bool:
    if protocol == "smtp":
        return account.smtp_enabled
    return account.imap_enabled or account.copy_to_sent


def _start_of(account: MailAccount) -> datetime | None:
    day = account.since_date
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
