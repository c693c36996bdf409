"""Messages from the server become stored mail, archive entries, tickets and automatic answers.

Reading and writing the bytes come first, outside any transaction (read_group.py); then one durable
transaction for the group. If that fails, its messages are tried one by one, and only those at fault
stay behind.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from archive import add as archive
from autoresponder.models import Autoresponder
from company.crash_points import crash_point
from company.rows import update_rows
from intake import ledger
from intake.answer import answer_mail, forward_to_archive_mailbox
from intake.models import FolderCursor, IntakeItem
from intake.poll_run import PollRun
from intake.read_group import Fetched, GroupReading, Read, Unreadable
from mailaccounts.models import MailFolder
from mailstore.models import StoredMessage
from mailstore.store import NewMessage, hash_message_id, store_group
from outbox.record_bounce import record_bounce
from tickets.incoming import IncomingMail, Received
from tickets.models import TicketEvent
from tickets.receive import receive_group as receive_into_tickets

READ_BESIDE_BYTES = 8 << 20  # what is larger is in memory once, in this process

log = logging.getLogger(__name__)


def receive_group(fetched: Sequence[Fetched], *, folder: MailFolder, run: PollRun) -> None:
    """Reads a group and takes it over; each message ends as done, or with its failure in the ledger.

    What was tried before may kill the process that reads it: unless it is large, that is another one. Raises
    what is nobody's fault (OSError, database away): then the attempt does not count.
    """
    was_tried = any(one.item.attempts > 1 for one in fetched)
    is_small = sum(len(one.raw) for one in fetched) <= READ_BESIDE_BYTES
    beside = run.reader if was_tried and is_small else None
    read = GroupReading(fetched, run, beside=beside).finish()
    take_over_group(read, folder=folder, run=run)


def take_over_group(
    group: Sequence[Read | Unreadable], *, folder: MailFolder, run: PollRun
) -> None:
    """Like receive_group, for what was read already."""
    crash_point("intake.after_blobs")
    read = []
    for one in group:
        if isinstance(one, Unreadable):
            _record_failure(one, one.error, run)
        else:
            read.append(one)
    if not read:
        return
    if folder.purpose == MailFolder.Purpose.TICKETS and run.account.tickets_enabled:
        run.numbers.reserve(len(read))
    try:
        _take_over(read, folder, run)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one message, found below
        if len(read) > 1:
            log.warning("account %s: group failed, one by one: %r", run.account.pk, error)
        for one in read:
            _take_over_alone(one, folder, run, error if len(read) == 1 else None)
    crash_point("intake.after_commit")


def _take_over_alone(one: Read, folder: MailFolder, run: PollRun, error: Exception | None) -> None:
    try:
        if error is not None:
            raise error
        _take_over([one], folder, run)
    except (OperationalError, InterfaceError):
        raise
    except Exception as reason:  # noqa: BLE001 - the boundary of one message; it is recorded
        _record_failure(one, reason, run)


def _record_failure(one: Read | Unreadable, error: Exception, run: PollRun) -> None:
    item = one.item
    log.error("account %s uid %s: not taken over: %r", item.account_id, item.uid, error)
    if ledger.record_failure(item, one.raw, f"{type(error).__name__}: {error}"):
        run.counts.quarantined += 1
    else:
        run.counts.failed += 1


def _take_over(group: Sequence[Read], folder: MailFolder, run: PollRun) -> None:
    """The durable transaction: everything of these messages, or nothing."""
    with transaction.atomic(durable=True):
        still_open = _lock_open(group)
        group = [one for one in group if one.item.pk in still_open]
        if not group:
            return
        messages = store_group([_new_message(one, folder, run) for one in group])
        crash_point("intake.after_store")
        archive.add_group(
            [
                archive.NewEntry(
                    run.account, message, _direction(one, folder, run), one.item.internal_date
                )
                for one, message in zip(group, messages, strict=True)
            ]
        )
        crash_point("intake.after_archive")
        mails = [
            _incoming(one, message, folder, run)
            for one, message in zip(group, messages, strict=True)
        ]
        received = receive_into_tickets(mails, own=run.own, numbers=run.numbers)
        crash_point("intake.after_tickets")
        _answer(group, mails, received, run)
        crash_point("intake.after_answers")
        _finish(group, mails, received, run)
        crash_point("intake.before_commit")
    run.counts.done += len(group)
    run.counts.tickets += sum(one.is_new for one in received)


def _lock_open(group: Sequence[Read]) -> set[int]:
    """The rows that nobody else has taken over; a second poller waits here until we are done."""
    rows = IntakeItem.objects.select_for_update().filter(
        pk__in=[one.item.pk for one in group], state=IntakeItem.State.NOTED
    )
    return set(rows.order_by("pk").values_list("pk", flat=True))


def _direction(one: Read, folder: MailFolder, run: PollRun) -> StoredMessage.Direction:
    """What we wrote ourselves and lies in an archived folder (Sent) went out."""
    is_from_us = one.mail.is_ours or any(m.email.lower() in run.own for m in one.mail.parsed.from_)
    if is_from_us and folder.purpose == MailFolder.Purpose.ARCHIVE:
        return StoredMessage.Direction.OUTGOING
    return StoredMessage.Direction.INCOMING


def _new_message(one: Read, folder: MailFolder, run: PollRun) -> NewMessage:
    return NewMessage(
        raw=one.raw,
        direction=_direction(one, folder, run),
        received_at=one.item.internal_date,
        parsed=one.mail.parsed,
        sha256=one.sha256,
        digest=one.mail.digest,
    )


def _incoming(one: Read, message: StoredMessage, folder: MailFolder, run: PollRun) -> IncomingMail:
    received_at = one.item.internal_date
    bounce = one.mail.bounce
    bounced = (
        record_bounce(bounce=bounce, account=run.account, received_at=received_at)
        if bounce is not None and folder.purpose == MailFolder.Purpose.TICKETS
        else None
    )
    return IncomingMail(
        account=run.account,
        purpose=folder.purpose,
        message=message,
        parsed=one.mail.parsed,
        classification=one.mail.classification,
        received_at=received_at,
        bounce=bounce,
        bounced=bounced,
        is_stored_now=message.is_new,
    )


def _answer(
    group: Sequence[Read],
    mails: Sequence[IncomingMail],
    received: Sequence[Received],
    run: PollRun,
) -> None:
    """Automatic answers and copies for the archive mailbox: rows in the outbox, sent by others."""
    if mails[0].purpose != MailFolder.Purpose.TICKETS:
        return
    has_autoresponder = Autoresponder.objects.filter(account=run.account, is_active=True).exists()
    cursor = FolderCursor.objects.filter(folder=group[0].item.folder_id).first()
    silences = []
    for one, mail, result in zip(group, mails, received, strict=True):
        if one.mail.is_ours:
            continue
        if run.account.archive_forward_to and not one.item.is_imported:
            forward_to_archive_mailbox(mail)
        if has_autoresponder:
            is_backlog = cursor is not None and one.item.internal_date < cursor.started_at
            silences.append(answer_mail(mail, result, own=run.own, is_backlog=is_backlog))
    TicketEvent.objects.bulk_create(event for event in silences if event is not None)


def _finish(
    group: Sequence[Read],
    mails: Sequence[IncomingMail],
    received: Sequence[Received],
    run: PollRun,
) -> None:
    now = timezone.now()
    deletes = run.account.delete_on_server and mails[0].purpose == MailFolder.Purpose.TICKETS
    for one, mail, result in zip(group, mails, received, strict=True):
        item = one.item
        item.state, item.done_at, item.error = IntakeItem.State.DONE, now, ""
        item.message, item.blob = mail.message, one.sha256
        item.message_id_hash = hash_message_id(one.mail.parsed.message_id)
        is_kept = run.account.archive_enabled or result.ticket is not None
        item.delete_wanted = deletes and is_kept and not item.is_imported
    # bulk_update builds a CASE per value, ten times slower.
    update_rows(
        [one.item for one in group],
        update=[
            *("state", "done_at", "error", "message", "blob", "message_id_hash"),
            "delete_wanted",
        ],
    )
