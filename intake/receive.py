"""Messages from the server become stored mail, archive entries, tickets and automatic answers.

Parsing and writing the bytes come first, outside any transaction; then one durable transaction for
the group. If that fails, its messages are tried one by one, and only those at fault stay behind.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from archive import add as archive
from autoresponder.models import Autoresponder
from company.crash_points import crash_point
from company.insert_rows import put_rows
from intake import ledger
from intake.answer import answer_mail, forward_to_archive_mailbox
from intake.models import FolderCursor, IntakeItem
from intake.poll_run import PollRun
from mailaccounts.models import MailFolder
from mailcore.automatic import Classification, classify
from mailcore.bounces import Bounce, read_bounce
from mailcore.messages import ParsedMessage
from mailcore.parse import parse
from mailcore.threading import read_own_message_id
from mailstore.blobs import put_blobs
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.store import NewMessage, hash_message_id, store_group
from outbox.record_bounce import record_bounce
from tickets.incoming import IncomingMail, Received
from tickets.models import TicketEvent
from tickets.receive import receive_group as receive_into_tickets

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A ledger row and the bytes the server gave for it."""

    item: IntakeItem
    raw: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """A message read and its bytes kept; nothing of it stands in the database yet."""

    item: IntakeItem
    raw: bytes
    sha256: str
    parsed: ParsedMessage
    classification: Classification
    bounce: Bounce | None
    is_ours: bool  # we sent it: a Sent copy or a loop


_Parts = tuple[ParsedMessage, Classification, Bounce | None, bool]


def receive_group(fetched: Sequence[Fetched], *, folder: MailFolder, run: PollRun) -> None:
    """Takes a group over; each message ends as done, or with its failure in the ledger.

    Raises what is nobody's fault (OSError, database away): then the attempt does not count.
    """
    read = _read_group(fetched, run)
    crash_point("intake.after_blobs")
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


def _read_group(fetched: Sequence[Fetched], run: PollRun) -> list[Read]:
    """Parses and keeps the bytes side by side; a message that cannot even be read fails alone."""
    keys = message_id_keys()
    parts: list[_Parts | Exception] = []
    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(put_blobs, [one.raw for one in fetched])
        for one in fetched:
            try:
                parts.append(_parse(one, run.own, keys))
            except Exception as error:  # noqa: BLE001 - the boundary of one message; recorded below
                parts.append(error)
        hashes = writing.result()
    read = []
    for one, sha256, part in zip(fetched, hashes, parts, strict=True):
        if isinstance(part, Exception):
            _record_failure(one.item, one.raw, part, run)
        else:
            read.append(Read(one.item, one.raw, sha256, *part))
    return read


def _parse(one: Fetched, own: frozenset[str], keys: Sequence[bytes]) -> _Parts:
    parsed = parse(one.raw, received_at=one.item.internal_date)
    classification = classify(parsed, own_addresses=own)
    bounce = read_bounce(one.raw, parsed) if classification.is_automatic else None
    is_ours = read_own_message_id(parsed.message_id, keys=keys) is not None
    return parsed, classification, bounce, is_ours


def _take_over_alone(one: Read, folder: MailFolder, run: PollRun, error: Exception | None) -> None:
    try:
        if error is not None:
            raise error
        _take_over([one], folder, run)
    except (OperationalError, InterfaceError):
        raise
    except Exception as reason:  # noqa: BLE001 - the boundary of one message; it is recorded
        _record_failure(one.item, one.raw, reason, run)


def _record_failure(item: IntakeItem, raw: bytes, error: Exception, run: PollRun) -> None:
    log.error("account %s uid %s: not taken over: %r", item.account_id, item.uid, error)
    if ledger.record_failure(item, raw, f"{type(error).__name__}: {error}"):
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
    """The rows that nobody else has taken over; the UPDATE makes a second poller wait."""
    rows = IntakeItem.objects.filter(
        pk__in=[one.item.pk for one in group], state=IntakeItem.State.NOTED
    )
    rows.update(done_at=timezone.now())
    return set(rows.values_list("pk", flat=True))


def _direction(one: Read, folder: MailFolder, run: PollRun) -> StoredMessage.Direction:
    """What we wrote ourselves and lies in an archived folder (Sent) went out."""
    is_from_us = one.is_ours or any(m.email.lower() in run.own for m in one.parsed.from_)
    if is_from_us and folder.purpose == MailFolder.Purpose.ARCHIVE:
        return StoredMessage.Direction.OUTGOING
    return StoredMessage.Direction.INCOMING


def _new_message(one: Read, folder: MailFolder, run: PollRun) -> NewMessage:
    return NewMessage(
        raw=one.raw,
        direction=_direction(one, folder, run),
        received_at=one.item.internal_date,
        parsed=one.parsed,
        sha256=one.sha256,
    )


def _incoming(one: Read, message: StoredMessage, folder: MailFolder, run: PollRun) -> IncomingMail:
    received_at = one.item.internal_date
    bounced = (
        record_bounce(bounce=one.bounce, account=run.account, received_at=received_at)
        if one.bounce is not None and folder.purpose == MailFolder.Purpose.TICKETS
        else None
    )
    return IncomingMail(
        account=run.account,
        purpose=folder.purpose,
        message=message,
        parsed=one.parsed,
        classification=one.classification,
        received_at=received_at,
        bounce=one.bounce,
        bounced=bounced,
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
        if one.is_ours:
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
        item.message_id_hash = hash_message_id(one.parsed.message_id)
        is_kept = run.account.archive_enabled or result.ticket is not None
        item.delete_wanted = deletes and is_kept and not item.is_imported
    # An upsert of rows that exist: bulk_update builds a CASE per value, ten times slower.
    put_rows(
        [one.item for one in group],
        update=[
            *("state", "done_at", "error", "message", "blob", "message_id_hash"),
            "delete_wanted",
        ],
    )
