"""Takes mail over from a file: mbox or Maildir. The ledger makes it repeatable.

Every message has a row under a folder that exists here only, numbered by its own bytes: what is there
is not taken over again, from the same file, another one, or after the process died in the middle. What
is tried for the first time goes the way of a mailbox's backlog (read_ahead.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from company.crash_points import crash_point
from company.rows import insert_missing
from intake import ledger
from intake.kept import take_over
from intake.mail_files import FileMail, header_block, read_mails
from intake.models import IMPORTED, FolderCursor, IntakeItem
from intake.poll_run import Counts, PollRun, is_disk_low
from intake.read_ahead import receive_ahead
from intake.read_group import Fetched, Read, Unreadable
from intake.receive import READ_BESIDE_BYTES, take_over_group
from intake.wanted_folders import wanted_folders
from mailaccounts.models import MailAccount, MailFolder
from mailcore.parse import parse
from mailstore.blobs import put_blobs

_GROUP_MESSAGES = 100
_GROUP_BYTES = 16 << 20
State = IntakeItem.State


class ImportRefused(Exception):
    """The import cannot begin or go on. The text is German."""


@dataclass(slots=True)
class ImportSummary:
    read: int = 0
    known: int = 0  # taken over or set aside before
    counts: Counts = field(default_factory=Counts)


def import_mail(
    path: Path,
    account: MailAccount,
    *,
    folder_name: str,
    purpose: MailFolder.Purpose,
    tell: Callable[[int], None] = lambda position: None,
) -> ImportSummary:
    """Takes over every message of the file that is not here yet; `tell` hears the position.

    Counts as backlog: no automatic answers, nothing is forwarded. Raises ImportRefused, NoMailFile, OSError.
    """
    folder = _folder(account, folder_name, purpose)
    summary = ImportSummary()
    started = timezone.now()
    # What arrived before this moment is backlog.
    FolderCursor.objects.update_or_create(
        folder=folder, defaults={"uidvalidity": IMPORTED, "started_at": started}
    )
    with PollRun(account, owner="", counts=summary.counts) as run:
        _Import(folder, run, summary, started - timedelta(seconds=1), tell).take_over(path)
    return summary


def _folder(account: MailAccount, name: str, purpose: MailFolder.Purpose) -> MailFolder:
    if not (account.tickets_enabled or account.archive_enabled):
        raise ImportRefused(
            f"„{account}“ legt weder Tickets an noch archiviert er. Schalten Sie eines davon ein."
        )
    if purpose == MailFolder.Purpose.ARCHIVE and not account.archive_enabled:
        raise ImportRefused(f"„{account}“ archiviert nicht. Schalten Sie das Archiv ein.")
    wanted_folders(account)  # an account without any folder gets its INBOX before this one
    folder, is_new = MailFolder.objects.get_or_create(
        account=account, name=name, defaults={"purpose": purpose, "is_active": False}
    )
    is_of_server = folder.is_active or (
        FolderCursor.objects.filter(folder=folder).exclude(uidvalidity=IMPORTED).exists()
    )
    if not is_new and is_of_server:
        raise ImportRefused(f"„{name}“ wird vom Server abgeholt. Wählen Sie einen anderen Namen.")
    if folder.purpose != purpose:
        MailFolder.objects.filter(pk=folder.pk).update(purpose=purpose)
        folder.purpose = purpose
    return folder


def _groups(mails: Iterable[FileMail]) -> Iterator[list[FileMail]]:
    group: list[FileMail] = []
    size = 0
    for mail in mails:
        if group and (size + len(mail.raw) > _GROUP_BYTES or len(group) >= _GROUP_MESSAGES):
            yield group
            group, size = [], 0
        group.append(mail)
        size += len(mail.raw)
    if group:
        yield group


def _number(mail: FileMail) -> int:
    """The message's number under IMPORTED: 63 bits of its SHA-256, as many as the column holds."""
    return int(mail.sha256[:16], 16) >> 1


@dataclass(slots=True)
class _Import:
    folder: MailFolder
    run: PollRun
    summary: ImportSummary
    latest: datetime
    tell: Callable[[int], None]
    _waiting: deque[list[FileMail]] = field(default_factory=deque)  # noted, not taken over yet
    _left: list[int] = field(default_factory=list)  # keys of what did not go in a group

    def take_over(self, path: Path) -> None:
        groups = _groups(read_mails(path, limit=settings.MAX_MESSAGE_BYTES))
        receive_ahead(
            map(self._note, groups), run=self.run, fetch=self._begin, take_over=self._end_group
        )
        self._take_over_left()

    def _note(self, group: list[FileMail]) -> list[IntakeItem]:
        """Writes bytes and rows of what is new; returns what is to be tried for the first time."""
        if is_disk_low():
            raise ImportRefused(
                "Der Speicherplatz ist knapp. Schaffen Sie Platz und starten Sie den Import noch "
                "einmal: Er macht dort weiter."
            )
        mails = {_number(mail): mail for mail in group}
        rows = {row.uid: row for row in _of_these(self.folder, mails)}
        is_before_us = {_number(mail) for waiting in self._waiting for mail in waiting}
        known = sum(
            row.state != State.NOTED or number in is_before_us for number, row in rows.items()
        )
        new = [mail for number, mail in mails.items() if number not in rows]
        _note_new(new, self.folder, self.run, self.latest)
        known += len(group) - len(mails)
        known -= _note_no_longer_too_large(rows.values(), mails)
        crash_point("intake.after_ledger")
        self.summary.read += len(group)
        self.summary.known += known
        self._waiting.append(group)
        fresh = _of_these(self.folder, mails).filter(state=State.NOTED, attempts=0)
        return list(fresh.filter(size__lte=READ_BESIDE_BYTES))

    def _begin(self, items: list[IntakeItem]) -> list[Fetched]:
        raws = {_number(mail): mail.raw for mail in self._waiting[-1]}
        ledger.begin_attempt(items)
        return [Fetched(item, raws[item.uid], item.blob) for item in items]

    def _end_group(self, read: Sequence[Read | Unreadable]) -> None:
        take_over_group(read, folder=self.folder, run=self.run)
        group = self._waiting.popleft()
        left = _of_these(self.folder, map(_number, group)).filter(state=State.NOTED)
        self._left += left.values_list("pk", flat=True)
        self.tell(group[-1].position)

    def _take_over_left(self) -> None:
        """What is large, or failed now or in an earlier import: alone, until it is there or set aside."""
        items = IntakeItem.objects.filter(state=State.NOTED).select_related("folder")
        for pk in self._left:
            while item := items.filter(pk=pk).first():
                take_over(item, run=self.run)


def _of_these(folder: MailFolder, numbers: Iterable[int]) -> QuerySet[IntakeItem]:
    return IntakeItem.objects.filter(
        account=folder.account_id, folder=folder, uidvalidity=IMPORTED, uid__in=list(numbers)
    ).order_by("pk")


def _note_new(
    mails: Sequence[FileMail], folder: MailFolder, run: PollRun, latest: datetime
) -> None:
    """Bytes first, then the rows that name them."""
    rows = []
    for mail, kept in zip(mails, put_blobs([mail.raw for mail in mails]), strict=True):
        when = mail.filed_at or parse(header_block(mail.raw)).date or latest
        row = IntakeItem(
            account_id=folder.account_id,
            folder=folder,
            uidvalidity=IMPORTED,
            uid=_number(mail),
            size=mail.size,
            internal_date=min(when, latest),
            blob=kept,
            state=State.NOTED if mail.is_whole else State.TOO_LARGE,
        )
        rows.append(row)
        run.counts.too_large += not mail.is_whole
    insert_missing(rows)


def _note_no_longer_too_large(rows: Iterable[IntakeItem], mails: dict[int, FileMail]) -> int:
    """The limit was raised since the last import; returns how many are to be taken over now."""
    wanted = [row for row in rows if row.state == State.TOO_LARGE and mails[row.uid].is_whole]
    put_blobs([mails[row.uid].raw for row in wanted])
    for row in wanted:
        IntakeItem.objects.filter(pk=row.pk, state=State.TOO_LARGE).update(
            state=State.NOTED, blob=mails[row.uid].sha256
        )
    return len(wanted)
