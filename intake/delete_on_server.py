"""„E-Mails auf Server löschen“: after the commit, exactly the messages that were taken over."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from company.crash_points import crash_point
from intake.models import IntakeItem
from intake.poll_run import PollRun
from mailaccounts.models import MailFolder
from mailcore.imap import ImapSession

_GROUP = 500


def has_deletions(folder: MailFolder, uidvalidity: int) -> bool:
    """Whether something of the folder as it is numbered now is still to be deleted."""
    wanted = _wanted(folder).filter(uidvalidity=uidvalidity)
    return folder.account.delete_on_server and wanted.exists()


def delete_on_server(
    session: ImapSession, folder: MailFolder, uidvalidity: int, run: PollRun
) -> None:
    """Deletes what is wanted; what a crash left over is finished here as well.

    The server expunges these UIDs only (RFC 4315); without UIDPLUS they are just marked.
    Raises MailError.
    """
    if not folder.account.delete_on_server:
        return
    for group in _groups(folder, uidvalidity):
        run.go_on()
        selected = session.select(folder.name, readonly=False)
        if selected.uidvalidity != uidvalidity:
            return  # these UIDs may name other messages now
        crash_point("intake.before_expunge")
        session.delete([uid for _, uid in group])
        crash_point("intake.after_expunge")
        run.counts.deleted += IntakeItem.objects.filter(pk__in=[pk for pk, _ in group]).update(
            deleted_at=timezone.now()
        )


def _groups(folder: MailFolder, uidvalidity: int) -> Iterator[list[tuple[int, int]]]:
    last = 0
    wanted = _wanted(folder).filter(uidvalidity=uidvalidity).order_by("pk")
    while group := list(wanted.filter(pk__gt=last).values_list("pk", "uid")[:_GROUP]):
        yield group
        last = group[-1][0]


def _wanted(folder: MailFolder) -> QuerySet[IntakeItem]:
    return IntakeItem.objects.filter(
        account=folder.account_id, folder=folder, delete_wanted=True, deleted_at__isnull=True
    )
