"""The bytes of noted messages: one command for all; what the server does not hand out fails alone."""

from __future__ import annotations

from collections.abc import Sequence

from intake import ledger
from intake.models import FolderCursor, IntakeItem
from intake.poll_run import PollRun
from intake.read_group import Fetched
from mailcore.errors import Kind, MailError
from mailcore.imap import ImapSession
from mailstore.blobs import get_blob

_NOT_NOW = (Kind.SERVER_BUSY, Kind.RATE_LIMITED)  # the server's trouble, not the message's
_REFUSALS = 5  # in a row, before anything was handed out: then it is the server, too


def fetch_items(
    session: ImapSession, items: Sequence[IntakeItem], *, cursor: FolderCursor, run: PollRun
) -> list[Fetched]:
    """Kept bytes come from the store, the others from the server. Raises MailError.

    What is gone from the server ends as gone, what it refuses as a failure of this message. Where the
    connection ends each time a message is asked for, that one is set aside without being asked again.
    """
    bodies = {item.pk: raw for item in items if (raw := _kept_bytes(item)) is not None}
    wanted = {
        item.uid: item
        for item in items
        if item.pk not in bodies and item.uidvalidity == cursor.uidvalidity
    }
    for item in [one for one in wanted.values() if ledger.is_given_up_unread(one)]:
        ledger.set_aside_unread(wanted.pop(item.uid))
        run.counts.quarantined += 1
    refused: dict[int, MailError] = {}
    answer = _ask(session, list(wanted), refused)
    # „Nothing" for a message that has a size is no message: some servers answer so for damaged ones.
    handed_out = {uid: raw for uid, raw in answer.items() if raw or not wanted[uid].size}
    bodies |= {wanted[uid].pk: raw for uid, raw in handed_out.items()}
    missing = [item for uid, item in wanted.items() if uid not in handed_out]
    _note_missing(session, missing, refused, run)
    lost = [i for i in items if i.pk not in bodies and i.uidvalidity != cursor.uidvalidity]
    ledger.mark_gone(lost)
    return [Fetched(item, bodies[item.pk]) for item in items if item.pk in bodies]


def _kept_bytes(item: IntakeItem) -> bytes | None:
    try:
        return get_blob(item.blob) if item.blob else None
    except (FileNotFoundError, ValueError):
        return None


def _ask(
    session: ImapSession, uids: Sequence[int], refused: dict[int, MailError]
) -> dict[int, bytes]:
    """All at once; if the server says no to that, one by one."""
    if not uids:
        return {}
    try:
        return session.fetch_batch(uids)
    except MailError as error:
        if not session.is_usable or error.kind in _NOT_NOW:
            raise
        if len(uids) == 1:
            refused[uids[0]] = error
            return {}
    answer: dict[int, bytes] = {}
    for uid in uids:
        answer |= _ask(session, [uid], refused)
        if len(refused) >= _REFUSALS and not answer:
            raise refused[uid]
    return answer


def _note_missing(
    session: ImapSession,
    missing: Sequence[IntakeItem],
    refused: dict[int, MailError],
    run: PollRun,
) -> None:
    """Gone from the server, or there and not handed out: that counts as a failure."""
    if not missing:
        return
    present = session.present([item.uid for item in missing])
    for item in missing:
        if item.uid in present:
            said = refused.get(item.uid)
            words = f" ({said.detail})" if said and said.detail else ""
            is_over = ledger.record_failure(item, None, ledger.NOT_HANDED_OUT + words)
            run.counts.quarantined += is_over
            run.counts.failed += not is_over
    ledger.mark_gone([item for item in missing if item.uid not in present])
