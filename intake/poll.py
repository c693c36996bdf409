"""Fetching the mail of one account: one lease, one login, all its folders."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from company.crash_points import crash_point
from company.models import CompanySettings
from intake.poll_folder import poll_folder
from intake.poll_run import Counts, PollRun, PollStopped, is_disk_low
from intake.wanted_folders import wanted_folders
from mailaccounts.connect import connect_imap
from mailaccounts.links import hold_lease, hold_until, record_failure, record_success
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from mailcore.errors import MailError, Step
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
        with PollRun(account, owner) as run:
            return _poll(run)


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
            session.tell_progress(run.heartbeat)
            error = _poll_folders(session, wanted_folders(account), run)
            crash_point("intake.before_release")
    except MailError as failed:
        return _failed(run, failed)
    except PollStopped as stopped:
        record_success(account.pk, INCOMING)
        return PollSummary(account.pk, run.counts, skipped=str(stopped), has_more=True)
    except OSError:
        # The disk, not the account: everything stays in the ledger until it works again.
        hold_until(account.pk, INCOMING, timezone.now() + _PAUSE)
        raise
    if error is not None:
        return _failed(run, error, keeps_rhythm=True)
    record_success(account.pk, INCOMING)
    return PollSummary(account.pk, run.counts, has_more=run.counts.done > 0)


def _failed(run: PollRun, error: MailError, *, keeps_rhythm: bool = False) -> PollSummary:
    log.warning("account %s: %s", run.account.pk, error)
    record_failure(run.account.pk, INCOMING, error, keeps_rhythm=keeps_rhythm)
    return PollSummary(run.account.pk, run.counts, error=error)


def _poll_folders(
    session: ImapSession, folders: Sequence[MailFolder], run: PollRun
) -> MailError | None:
    """A folder the server refuses does not hold up the others: its error is returned at the end.

    Raises MailError where the connection is lost or every folder is refused. A deletion that is refused comes
    after the mail is here: it does not hold up anything.
    """
    refused: list[MailError] = []
    for folder in folders:
        try:
            poll_folder(session, folder, run)
        except MailError as error:
            if not session.is_usable:
                raise
            refused.append(error)
    if refused and len(refused) == len(folders) and refused[0].step is not Step.STORE:
        raise refused[0]
    return refused[0] if refused else None
