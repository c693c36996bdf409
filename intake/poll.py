"""Fetching the mail of one account: one lease, one login, all its folders."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from company.models import CompanySettings
from intake.poll_folder import poll_folder
from intake.poll_run import Counts, PollRun, PollStopped, is_disk_low
from intake.wanted_folders import wanted_folders
from mailaccounts.connect import connect_imap
from mailaccounts.links import hold_lease, hold_until, record_failure, record_success
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from mailcore.errors import Kind, MailError
from mailcore.imap import ImapSession

log = logging.getLogger(__name__)
_PAUSE = timedelta(minutes=1)
INCOMING = AccountLink.Direction.INCOMING


@dataclass(frozen=True, slots=True)
class PollSummary:
    """What a poll did. `skipped`: why it did not run or ended early (German); `error`: what failed."""

    account_id: int
    counts: Counts
    skipped: str = ""
    error: MailError | None = None
    has_more: bool = False  # worth another look at once: work is left, or came meanwhile
    is_busy: bool = False  # another process polls this account


def poll_account(account_id: int) -> PollSummary:
    """Fetches what is new for an account. Server errors end in the account's state, not here."""
    account = MailAccount.objects.kept().filter(pk=account_id).first()
    reason = "Den Account gibt es nicht mehr." if account is None else _reason_to_skip(account)
    if account is None or reason:
        return PollSummary(account_id, Counts(), skipped=reason)
    with hold_lease(account_id, INCOMING) as owner:
        if owner is None:
            reason = "Dieser Account wird gerade schon abgeholt."
            return PollSummary(account_id, Counts(), skipped=reason, is_busy=True)
        return _poll(PollRun(account, owner))


def _reason_to_skip(account: MailAccount) -> str:
    if not account.imap_enabled:
        return "Das Abholen ist für diesen Account nicht eingeschaltet."
    if account.is_paused:
        return "Der Account ist pausiert."
    if CompanySettings.load().fetching_paused:
        return "Das Abholen ist für alle Accounts angehalten."
    if is_disk_low():
        log.error("too little disk space: nothing is fetched")
        return "Der Speicherplatz ist knapp: Das Abholen wartet."
    return ""


def _poll(run: PollRun) -> PollSummary:
    account = run.account
    try:
        with connect_imap(account) as session:
            error = _poll_folders(session, wanted_folders(account), run)
    except MailError as failed:
        error = failed
    except PollStopped as stopped:
        record_success(account.pk, INCOMING)
        return PollSummary(account.pk, run.counts, skipped=str(stopped), has_more=True)
    except OSError:
        # The disk, not the account: everything stays in the ledger until it works again.
        hold_until(account.pk, INCOMING, timezone.now() + _PAUSE)
        raise
    if error is None:
        record_success(account.pk, INCOMING)
    else:
        log.warning("account %s: %s", account.pk, error)
        record_failure(account.pk, INCOMING, error)
    has_more = error is None and run.counts.done > 0
    return PollSummary(account.pk, run.counts, error=error, has_more=has_more)


def _poll_folders(
    session: ImapSession, folders: Sequence[MailFolder], run: PollRun
) -> MailError | None:
    """A folder that is missing does not hold up the others: its error is returned at the end."""
    missing: MailError | None = None
    for folder in folders:
        try:
            poll_folder(session, folder, run)
        except MailError as error:
            if error.kind is not Kind.FOLDER_MISSING:
                raise
            missing = missing or error
    return missing
