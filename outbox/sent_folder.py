"""The folder of an account in which its sent mail lies."""

from __future__ import annotations

from mailaccounts.models import MailAccount
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import ImapSession


def find_sent_folder(account: MailAccount, session: ImapSession) -> str:
    """The folder of the settings, else the one the server marks as \\Sent. Raises MailError."""
    if account.sent_folder:
        return account.sent_folder
    for folder in session.folders():
        if folder.special_use == "\\Sent":
            return folder.name
    raise MailError(Kind.FOLDER_MISSING, Step.LIST, "no folder is marked as \\Sent")
