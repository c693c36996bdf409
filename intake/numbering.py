"""Whether a folder's numbers still mean the messages that the ledger has under them.

UIDVALIDITY says so (RFC 3501 2.3.1.1), but not everywhere: another mailbox may have the same one (every
INBOX of Gmail has 1), a server set back to a backup keeps it, some give the number of the last message out
again after it was deleted. Rows whose numbers mean other messages now move to a numbering that no server
has; what they know still recognises their mail (renumbered.py).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from intake.models import FolderCursor, IntakeItem
from intake.renumbered import begin_again, is_waiting
from mailaccounts.models import MailAccount, MailFolder
from mailcore.imap import FolderStatus, ImapSession

_COMPARED = 20  # of the newest messages, when the mailbox may be another one
_BITS = 32  # of a server's UIDVALIDITY


def mailbox_of(account: MailAccount) -> str:
    """Who logs in where."""
    return f"{account.login_name}@{account.imap_host}".lower()


def fits(cursor: FolderCursor | None, folder: MailFolder, status: FolderStatus) -> bool:
    """Whether the cursor's numbers are those of this mailbox, as far as it can be seen from here."""
    return (
        cursor is not None
        and cursor.uidvalidity == status.uidvalidity
        and cursor.mailbox in ("", mailbox_of(folder.account))
        and not 0 < status.uidnext <= cursor.last_uid
    )


def find_cursor(session: ImapSession, folder: MailFolder, selected: FolderStatus) -> FolderCursor:
    """How far the selected folder has been taken over, counted in its numbers of today.

    Raises MailError.
    """
    cursor = FolderCursor.objects.filter(folder=folder).first()
    mailbox = mailbox_of(folder.account)
    if cursor is None or not fits(cursor, folder, selected):
        cursor = _settle(session, folder, selected, cursor)
    if cursor.mailbox != mailbox:
        cursor.mailbox = mailbox
        cursor.save(update_fields=["mailbox"])
    return cursor


def _settle(
    session: ImapSession, folder: MailFolder, selected: FolderStatus, cursor: FolderCursor | None
) -> FolderCursor:
    is_renumbered = cursor is None or cursor.uidvalidity != selected.uidvalidity
    is_other = cursor is not None and cursor.mailbox not in ("", mailbox_of(folder.account))
    if (is_renumbered or is_other) and not _knows_messages(session, folder, selected.uidvalidity):
        _set_apart(folder, selected.uidvalidity, first_uid=1)
        return begin_again(folder, selected)
    if cursor is None or is_renumbered:
        return begin_again(folder, selected)
    last = cursor.last_uid
    if 0 < selected.uidnext <= last and last not in session.present([last]):
        with transaction.atomic():
            _set_apart(folder, selected.uidvalidity, first_uid=selected.uidnext)
            # Not UIDNEXT: a server that named too high a number before has messages nobody noted.
            cursor.last_uid = _last_noted(folder, selected.uidvalidity)
            cursor.save(update_fields=["last_uid"])
    return cursor


def _knows_messages(session: ImapSession, folder: MailFolder, uidvalidity: int) -> bool:
    """Whether the newest messages in the ledger are there under their numbers; True without any."""
    rows = IntakeItem.objects.filter(
        account=folder.account_id, folder=folder, uidvalidity=uidvalidity
    )
    newest = list(rows.order_by("-uid")[:_COMPARED])
    there = {info.uid: info for info in session.describe([row.uid for row in newest])}
    found = [(row, there[row.uid]) for row in newest if row.uid in there]
    return not newest or (
        bool(found)
        and all(
            (row.size, row.internal_date) == (info.size, info.internaldate) for row, info in found
        )
    )


def _last_noted(folder: MailFolder, uidvalidity: int) -> int:
    rows = IntakeItem.objects.filter(account=folder.account_id, folder=folder)
    uids = rows.filter(uidvalidity=uidvalidity).order_by("-uid").values_list("uid", flat=True)
    return uids.first() or 0


def _set_apart(folder: MailFolder, uidvalidity: int, *, first_uid: int) -> None:
    rows = IntakeItem.objects.filter(account=folder.account_id, folder=folder)
    highest = rows.order_by("-uidvalidity").values_list("uidvalidity", flat=True).first() or 0
    apart = uidvalidity + (((highest >> _BITS) + 1) << _BITS)
    with transaction.atomic():
        moved = rows.filter(uidvalidity=uidvalidity, uid__gte=first_uid)
        moved.filter(is_waiting()).update(state=IntakeItem.State.GONE, done_at=timezone.now())
        moved.update(uidvalidity=apart)
