"""What the menu of an account does: pause, go on, become the standard, delete."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from company.models import User
from mailaccounts.account_audit import logged
from mailaccounts.account_page import pass_default_on
from mailaccounts.links import wake
from mailaccounts.models import MailAccount


def pause(account: MailAccount, actor: User) -> bool:
    """Stops fetching and sending for this account. False if it was paused already."""
    rows = MailAccount.objects.filter(pk=account.pk, paused_at__isnull=True)
    with transaction.atomic(), logged(actor, account):
        return bool(rows.update(paused_at=timezone.now()))


def resume(account: MailAccount, actor: User) -> bool:
    """Goes on where it stopped, at once. False if it was not paused."""
    rows = MailAccount.objects.filter(pk=account.pk, paused_at__isnull=False)
    with transaction.atomic(), logged(actor, account):
        resumed = bool(rows.update(paused_at=None))
        if resumed:
            wake(account.pk)
    return resumed


def make_default(account: MailAccount, actor: User) -> None:
    """This account is the standard from now on, and no other."""
    with transaction.atomic(), logged(actor, account):
        MailAccount.objects.filter(is_default=True).exclude(pk=account.pk).update(is_default=False)
        account.is_default = True
        account.save(update_fields=["is_default"])


def delete(account: MailAccount, actor: User) -> MailAccount | None:
    """Takes the account out of use; its mail, tickets and archive stay, its passwords do not.

    Returns the account that is the standard from now on, if this one was.
    """
    with transaction.atomic(), logged(actor, account):
        MailAccount.objects.filter(pk=account.pk).update(
            archived_at=timezone.now(), is_default=False, imap_secret="", smtp_secret=""
        )
        return pass_default_on(account) if account.is_default else None
