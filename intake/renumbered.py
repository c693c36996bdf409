"""After a folder's UIDVALIDITY changed all its messages look new: those we have are recognised.

By the same bytes, or by Message-ID and INTERNALDATE together with the size or the sender, subject and
date: some servers write a message out a little differently when it is moved, others date it anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from company.crash_points import crash_point
from intake.models import FolderCursor, IntakeItem
from intake.read_group import Fetched
from mailaccounts.models import MailFolder
from mailcore.imap import FolderStatus
from mailcore.messages import ParsedMessage
from mailcore.parse import parse
from mailstore.blobs import sha256_of
from mailstore.store import hash_message_id

_SET_ASIDE = (IntakeItem.State.QUARANTINED, IntakeItem.State.IGNORED)


def is_waiting() -> Q:
    """Rows whose mail is on the server only."""
    return Q(state=IntakeItem.State.NOTED, blob="") | Q(
        state__in=(IntakeItem.State.EXCLUDED, IntakeItem.State.TOO_LARGE)
    )


def begin_again(folder: MailFolder, status: FolderStatus) -> FolderCursor:
    """The cursor for the folder's new numbering; what was open under the old one is not there any more."""
    with transaction.atomic():
        IntakeItem.objects.filter(is_waiting(), folder=folder).exclude(
            uidvalidity=status.uidvalidity
        ).update(state=IntakeItem.State.GONE, done_at=timezone.now())
        cursor, _ = FolderCursor.objects.update_or_create(
            folder=folder,
            defaults={
                "uidvalidity": status.uidvalidity,
                "last_uid": 0,
                # INTERNALDATE knows whole seconds only.
                "started_at": timezone.now().replace(microsecond=0),
            },
        )
    crash_point("intake.after_begin_again")
    return cursor


def settle_known(
    fetched: Sequence[Fetched], *, folder: MailFolder, cursor: FolderCursor
) -> list[Fetched]:
    """Marks the messages we have as done and returns the others."""
    if not fetched or not _was_renumbered(folder, cursor):
        return list(fetched)
    read = {one.item.pk: parse(one.raw, received_at=one.item.internal_date) for one in fetched}
    known = _find_known(folder, cursor, read)
    set_aside = _find_set_aside(folder, fetched)
    settled = set()
    for one in fetched:
        match = next(
            (row for row in known if _is_same(row, one, read[one.item.pk], cursor)),
            set_aside.get(sha256_of(one.raw)),
        )
        if match is not None:
            _settle(one.item, match)
            settled.add(one.item.pk)
            crash_point("intake.after_settle")
    return [one for one in fetched if one.item.pk not in settled]


def _was_renumbered(folder: MailFolder, cursor: FolderCursor) -> bool:
    rows = IntakeItem.objects.filter(account=folder.account_id, folder=folder)
    # Two questions that the index answers at once; „any other“ would read the folder's whole ledger.
    return (
        rows.filter(uidvalidity__lt=cursor.uidvalidity).exists()
        or rows.filter(uidvalidity__gt=cursor.uidvalidity).exists()
    )


def _find_known(
    folder: MailFolder, cursor: FolderCursor, read: dict[int, ParsedMessage]
) -> list[IntakeItem]:
    return list(
        IntakeItem.objects.filter(
            account=folder.account_id,
            folder=folder,
            message_id_hash__in={hash_message_id(one.message_id) for one in read.values()},
            state=IntakeItem.State.DONE,
        )
        .exclude(uidvalidity=cursor.uidvalidity)
        .select_related("message")
        .defer("message__text", "message__search_text")
    )


def _find_set_aside(folder: MailFolder, fetched: Sequence[Fetched]) -> dict[str, IntakeItem]:
    rows = IntakeItem.objects.filter(
        folder=folder, state__in=_SET_ASIDE, blob__in={sha256_of(one.raw) for one in fetched}
    )
    return {row.blob: row for row in rows}


def _is_same(row: IntakeItem, one: Fetched, parsed: ParsedMessage, cursor: FolderCursor) -> bool:
    if row.message_id_hash != hash_message_id(parsed.message_id):
        return False
    if row.blob == sha256_of(one.raw):
        return True
    is_old = one.item.internal_date <= cursor.started_at
    if not is_old or row.internal_date != one.item.internal_date:
        return False
    if row.size == one.item.size:
        return True
    stored = row.message
    sender = parsed.from_[0].email.lower() if parsed.from_ else ""
    return (
        stored is not None
        and stored.from_email == sender[:320]
        and stored.subject == parsed.subject[:998]
        and stored.date == parsed.date
    )


def _settle(item: IntakeItem, match: IntakeItem) -> None:
    """The new row takes over what the old one knew, also that it has to be deleted on the server."""
    is_done = match.state == IntakeItem.State.DONE
    with transaction.atomic():
        IntakeItem.objects.filter(pk=item.pk, state=IntakeItem.State.NOTED).update(
            state=IntakeItem.State.DONE if is_done else IntakeItem.State.IGNORED,
            message=match.message_id,
            blob=match.blob,
            message_id_hash=match.message_id_hash,
            delete_wanted=match.delete_wanted,
            done_at=timezone.now(),
        )
        if is_done:
            IntakeItem.objects.filter(pk=match.pk).update(delete_wanted=False)
