"""Which folders of an account are fetched: those whose mail is good for something, as it is set."""

from __future__ import annotations

from autoresponder.models import Autoresponder
from mailaccounts.models import MailAccount, MailFolder


def wanted_folders(account: MailAccount) -> list[MailFolder]:
    """The folders to poll; an account that names none gets its INBOX."""
    folders = list(account.folders.order_by("pk"))
    if not folders:
        folders = [MailFolder.objects.get_or_create(account=account, name="INBOX")[0]]
    active = [folder for folder in folders if folder.is_active]
    # What is good for nothing else may be answered all the same.
    answers = not uses_mail(account, False) and _has_autoresponder(account)
    return [folder for folder in active if is_wanted(folder, account, answers)]


def _has_autoresponder(account: MailAccount) -> bool:
    return Autoresponder.objects.filter(account=account, is_active=True).exists()


def is_wanted(folder: MailFolder, account: MailAccount, has_autoresponder: bool) -> bool:
    if folder.purpose == MailFolder.Purpose.ARCHIVE:
        return account.archive_enabled
    return uses_mail(account, has_autoresponder)


def uses_mail(account: MailAccount, has_autoresponder: bool) -> bool:
    return (
        account.archive_enabled
        or account.tickets_enabled
        or bool(account.archive_forward_to)
        or has_autoresponder
    )
