"""One folder of one mailbox: what is new goes into the ledger, what is open is taken over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, repeat

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from company.crash_points import crash_point
from company.rows import insert_missing
from intake import ledger
from intake.delete_on_server import delete_on_server, has_deletions
from intake.fetch import fetch_items
from intake.models import FolderCursor, IntakeItem
from intake.numbering import find_cursor, fits
from intake.poll_run import PollRun
from intake.read_ahead import receive_ahead
from intake.read_group import Fetched
from intake.receive import READ_BESIDE_BYTES, receive_group, take_over_group
from intake.renumbered import settle_known
from mailaccounts.models import MailFolder
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import FolderStatus, ImapSession, MessageInfo
from mailstore.blobs import put_blob

_NOTED_AT_ONCE = 1000
_GROUP_MESSAGES = 50
_GROUP_BYTES = READ_BESIDE_BYTES
_BACKLOG = 100  # messages; from here on the start of a reading process pays
# Groups of a backlog grow: while the first one is read nothing else can be done, later ones cost less
# per message the more they hold.
_BACKLOG_GROUPS = (25, 50, 100, 200)
_BACKLOG_BYTES = 32 << 20


def poll_folder(session: ImapSession, folder: MailFolder, run: PollRun) -> None:
    """Takes over everything new, in the server's order. Raises MailError or PollStopped.

    1. STATUS: nothing new and nothing open ends here, whatever the size of the folder.
    2. New messages into the ledger, the cursor with them. 3. Open ones in groups.
    4. What was taken over is deleted on the server where the account says so.
    """
    status = session.status(folder.name)
    if _is_up_to_date(folder, status):
        return
    selected = session.select(folder.name)
    cursor = find_cursor(session, folder, selected)
    _readmit_excluded(session, folder, cursor, run)
    _receive_open(session, folder, cursor, run)
    while _note_new(session, folder, cursor, selected, run):
        _receive_open(session, folder, cursor, run)
    delete_on_server(session, folder, cursor.uidvalidity, run)


def _is_up_to_date(folder: MailFolder, status: FolderStatus) -> bool:
    cursor = FolderCursor.objects.filter(folder=folder).first()
    if cursor is None or not status.uidnext or not fits(cursor, folder, status):
        return False
    if cursor.last_uid + 1 < status.uidnext:
        return False
    return not (
        ledger.open_items(folder, cursor.uidvalidity).exists()
        or has_deletions(folder, cursor.uidvalidity)
        or ledger.has_excluded_to_readmit(folder)
    )


def _readmit_excluded(
    session: ImapSession, folder: MailFolder, cursor: FolderCursor, run: PollRun
) -> None:
    ledger.readmit_excluded(folder, cursor.uidvalidity)
    for item in ledger.excluded_too_large(folder, cursor.uidvalidity):
        run.go_on()
        try:
            ledger.note_too_large(item, session.fetch_headers(item.uid))
        except MailError as error:
            if error.kind is not Kind.MESSAGE_REFUSED:
                raise
            ledger.mark_gone([item])
            continue
        run.counts.too_large += 1


def _note_new(
    session: ImapSession,
    folder: MailFolder,
    cursor: FolderCursor,
    selected: FolderStatus,
    run: PollRun,
) -> bool:
    """Writes the next new messages into the ledger; False when there are none any more."""
    last = selected.uidnext - 1
    if 0 < last <= cursor.last_uid:
        return False
    run.go_on()
    is_rest = 0 < last <= cursor.last_uid + _NOTED_AT_ONCE
    found = session.list_new(cursor.last_uid, _NOTED_AT_ONCE)
    if len(found) >= _BACKLOG:
        run.reader.start()  # it is ready when the first group is
    start = ledger.start_of(folder.account)
    rows = [_ledger_row(session, folder, cursor, info, start) for info in found]
    highest = max((info.uid for info in found), default=cursor.last_uid)
    if not found or is_rest:
        # Numbers of messages that are gone count as seen.
        highest = max(highest, last)
    with transaction.atomic():
        insert_missing(rows)
        FolderCursor.objects.filter(pk=cursor.pk, uidvalidity=cursor.uidvalidity).update(
            last_uid=highest
        )
    cursor.last_uid = highest
    crash_point("intake.after_ledger")
    run.counts.noted += len(rows)
    run.counts.excluded += sum(row.state == IntakeItem.State.EXCLUDED for row in rows)
    run.counts.too_large += sum(row.state == IntakeItem.State.TOO_LARGE for row in rows)
    return bool(found)


def _ledger_row(
    session: ImapSession,
    folder: MailFolder,
    cursor: FolderCursor,
    info: MessageInfo,
    start: datetime | None,
) -> IntakeItem:
    row = IntakeItem(
        account_id=folder.account_id,
        folder=folder,
        uidvalidity=cursor.uidvalidity,
        uid=info.uid,
        size=info.size,
        internal_date=info.internaldate,
    )
    if start is not None and info.internaldate < start:
        row.state = IntakeItem.State.EXCLUDED
    elif info.size > settings.MAX_MESSAGE_BYTES:
        row.state = IntakeItem.State.TOO_LARGE
        row.blob = _header_blob(session, info.uid)
    return row


def _header_blob(session: ImapSession, uid: int) -> str:
    """Who wrote and what about, if the server tells."""
    try:
        return put_blob(session.fetch_headers(uid))
    except MailError:
        if not session.is_usable:
            raise
        return ""


def _receive_open(
    session: ImapSession, folder: MailFolder, cursor: FolderCursor, run: PollRun
) -> None:
    """Takes over what is due; what was tried before goes alone, so that it harms no other."""
    due = ledger.open_items(folder, cursor.uidvalidity)
    last = 0
    while items := list(due.filter(pk__gt=last)[:_NOTED_AT_ONCE]):
        last = items[-1].pk
        fresh = [item for item in items if item.attempts == 0 and item.size <= _GROUP_BYTES]
        single = [item for item in items if item.attempts > 0 or item.size > _GROUP_BYTES]
        # A process killed again and again at the same moment must not blame the same mail each time.
        single.sort(key=lambda item: item.attempts)

        def fetch(group: list[IntakeItem]) -> list[Fetched]:
            run.go_on()
            return _fetch(session, group, folder, cursor, run)

        if len(fresh) >= _BACKLOG:
            take_over = partial(take_over_group, folder=folder, run=run)
            groups = _groups(fresh, _BACKLOG_GROUPS, _BACKLOG_BYTES)
            receive_ahead(groups, run=run, fetch=fetch, take_over=take_over)
            fresh = []
        for group in (*_groups(fresh), *([item] for item in single)):
            _receive(fetch(group), folder, run)


def _groups(
    items: Sequence[IntakeItem],
    most: Sequence[int] = (_GROUP_MESSAGES,),
    most_bytes: int = _GROUP_BYTES,
) -> Iterator[list[IntakeItem]]:
    """At most so many messages in the first group, the second …; what the last number says goes on."""
    counts = chain(most, repeat(most[-1]))
    group: list[IntakeItem] = []
    size, count = 0, next(counts)
    for item in items:
        if group and (size + item.size > most_bytes or len(group) >= count):
            yield group
            group, size, count = [], 0, next(counts)
        group.append(item)
        size += item.size
    if group:
        yield group


def _receive(fetched: Sequence[Fetched], folder: MailFolder, run: PollRun) -> None:
    try:
        receive_group(fetched, folder=folder, run=run)
    except (OSError, OperationalError, InterfaceError):
        ledger.take_back_attempt([one.item for one in fetched])
        raise


def _fetch(
    session: ImapSession,
    items: list[IntakeItem],
    folder: MailFolder,
    cursor: FolderCursor,
    run: PollRun,
) -> list[Fetched]:
    """Counts the attempt, gets the bytes and settles what is known already. Returns what is left."""
    ledger.begin_attempt(items)
    crash_point("intake.after_attempt")
    try:
        fetched = fetch_items(session, items, cursor=cursor, run=run)
    except MailError as error:
        is_interrupted = error.step is Step.FETCH and not session.is_usable
        (ledger.note_interrupted if is_interrupted else ledger.take_back_attempt)(items)
        raise
    try:
        crash_point("intake.after_fetch")
        given_up = [one for one in fetched if one.item.attempts > ledger.ATTEMPTS]
        for one in given_up:
            ledger.set_aside_after_crashes(one.item, one.raw)
            run.counts.quarantined += 1
        left = [one for one in fetched if one.item.attempts <= ledger.ATTEMPTS]
        return settle_known(left, folder=folder, cursor=cursor)
    except (OSError, OperationalError, InterfaceError):
        ledger.take_back_attempt(items)
        raise
