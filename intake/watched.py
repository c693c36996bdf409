"""Which accounts are worth an open connection, and what about them would demand a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoresponder.models import Autoresponder
from company.models import CompanySettings
from intake.wanted_folders import is_wanted, uses_mail
from mailaccounts.models import AccountLink, MailAccount, MailFolder

_MOST_CONNECTIONS = 2000
# Asked every three seconds: only what decides.
_ACCOUNT_FIELDS = ("updated_at", "archive_enabled", "tickets_enabled", "archive_forward_to")
_FOLDER_FIELDS = ("account", "name", "is_active", "purpose")


@dataclass(frozen=True, slots=True)
class Watched:
    account_id: int
    folder: str
    changed_at: datetime  # of the settings


def accounts_to_watch() -> dict[int, Watched]:
    """By account id: those that are fetched, not paused and not waiting for a new login."""
    if CompanySettings.load().fetching_paused:
        return {}
    held = AccountLink.objects.filter(
        direction=AccountLink.Direction.INCOMING, state=AccountLink.State.LOGIN
    )
    accounts = list(
        MailAccount.objects.kept()
        .filter(imap_enabled=True, paused_at__isnull=True)
        .exclude(pk__in=held.values("account_id"))
        .only(*_ACCOUNT_FIELDS)
        .order_by("pk")[:_MOST_CONNECTIONS]
    )
    folders: dict[int, list[MailFolder]] = {}
    for folder in MailFolder.objects.filter(account__in=[account.pk for account in accounts]).only(
        *_FOLDER_FIELDS
    ):
        folders.setdefault(folder.account_id, []).append(folder)
    answering = set(
        Autoresponder.objects.filter(is_active=True).values_list("account_id", flat=True)
    )
    found = {}
    for account in accounts:
        name = _folder_to_watch(account, folders.get(account.pk, []), account.pk in answering)
        if name:
            found[account.pk] = Watched(account.pk, name, account.updated_at)
    return found


def _folder_to_watch(
    account: MailAccount, folders: Sequence[MailFolder], has_autoresponder: bool
) -> str:
    """One folder for each account: INBOX, else its first; "" where nothing is fetched."""
    if not folders:
        return "INBOX" if uses_mail(account, has_autoresponder) else ""
    names = [
        folder.name
        for folder in folders
        if folder.is_active and is_wanted(folder, account, has_autoresponder)
    ]
    return next((name for name in names if name.upper() == "INBOX"), next(iter(names), ""))
