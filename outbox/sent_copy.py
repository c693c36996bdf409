"""Files sent mail in the mailbox's Sent folder: its own job that never touches the sending itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from company.crash_points import crash_point
from mailaccounts.connect import connect_imap
from mailaccounts.models import MailAccount
from mailcore.errors import MailError
from mailcore.imap import ImapSession
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from outbox.sent_folder import find_sent_folder

log = logging.getLogger(__name__)

SentCopy = OutgoingMessage.SentCopy
_AT_ONCE = 50
_CLAIM = timedelta(minutes=10)
_WAIT_MINUTES = (1, 5, 15, 60, 240)
_MOST_ATTEMPTS = 12


@dataclass(slots=True)
class FilingSummary:
    """What one run filed. `problem`: the server's words where it did not work."""

    filed: int = 0
    failed: int = 0
    problem: str = ""


def due_accounts() -> list[int]:
    """Accounts with copies to file, not paused."""
    due = OutgoingMessage.objects.filter(
        sent_copy=SentCopy.WANTED,
        sent_copy_next_at__lte=timezone.now(),
        account__paused_at__isnull=True,
        account__archived_at__isnull=True,
    )
    return list(due.order_by().values_list("account_id", flat=True).distinct())


def file_sent_copies(account_id: int) -> FilingSummary:
    """Files every copy that is due over one connection.

    A copy is looked for before it is filed, so a run that died in between doubles nothing.
    """
    summary = FilingSummary()
    account = MailAccount.objects.get(pk=account_id)
    while messages := _claim(account_id):
        try:
            with connect_imap(account) as session:
                folder = find_sent_folder(account, session)
                for outgoing in messages:
                    _file(outgoing, session, folder, summary)
        except MailError as error:
            summary.problem = str(error)
            waiting = [outgoing for outgoing in messages if outgoing.sent_copy == SentCopy.WANTED]
            for outgoing in waiting:
                _postpone(outgoing, error)
            summary.failed += len(waiting)
            break
    return summary


def _claim(account_id: int) -> list[OutgoingMessage]:
    """Copies that are due, each pushed into the future before it is taken."""
    now = timezone.now()
    due = OutgoingMessage.objects.filter(
        account_id=account_id, sent_copy=SentCopy.WANTED, sent_copy_next_at__lte=now
    ).select_related("message")
    return [
        outgoing
        for outgoing in due.order_by("sent_copy_next_at", "pk")[:_AT_ONCE]
        if OutgoingMessage.objects.filter(
            pk=outgoing.pk,
            sent_copy=SentCopy.WANTED,
            sent_copy_next_at=outgoing.sent_copy_next_at,
        ).update(sent_copy_next_at=now + _CLAIM)
    ]


def _file(
    outgoing: OutgoingMessage, session: ImapSession, folder: str, summary: FilingSummary
) -> None:
    """Files one copy. A refusal of this message is recorded here; a lost connection is raised."""
    try:
        raw = read_raw(outgoing.message)
    except (OSError, ValueError) as error:
        log.exception("outgoing %s: its bytes cannot be read", outgoing.pk)
        _give_up(outgoing, str(error))
        summary.failed += 1
        return
    crash_point("outbox.copy_search")
    try:
        if not session.find_message_id(folder, outgoing.message.message_id):
            crash_point("outbox.copy_append")
            session.append(folder, raw, flags=("\\Seen",), internaldate=outgoing.sent_at)
    except MailError as error:
        if not session.is_usable:
            raise
        _postpone(outgoing, error)
        summary.failed += 1
        summary.problem = str(error)
        return
    crash_point("outbox.copy_appended")
    outgoing.sent_copy = SentCopy.FILED
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(
        sent_copy=SentCopy.FILED, sent_copy_next_at=None, sent_copy_error=""
    )
    crash_point("outbox.copy_recorded")
    summary.filed += 1


def _postpone(outgoing: OutgoingMessage, error: MailError) -> None:
    attempts = outgoing.sent_copy_attempts + 1
    if attempts >= _MOST_ATTEMPTS:
        _give_up(outgoing, str(error))
        return
    wait = _WAIT_MINUTES[min(attempts, len(_WAIT_MINUTES)) - 1]
    OutgoingMessage.objects.filter(pk=outgoing.pk, sent_copy=SentCopy.WANTED).update(
        sent_copy_attempts=attempts,
        sent_copy_next_at=timezone.now() + timedelta(minutes=wait),
        sent_copy_error=str(error)[:500],
    )
    outgoing.sent_copy_attempts = attempts


def _give_up(outgoing: OutgoingMessage, reason: str) -> None:
    outgoing.sent_copy = SentCopy.FAILED
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(
        sent_copy=SentCopy.FAILED, sent_copy_next_at=None, sent_copy_error=reason[:500]
    )
