"""Takes over mail whose bytes are here already: imported from a file. No server is asked."""

from __future__ import annotations

from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone

from intake import ledger
from intake.models import IMPORTED, IntakeItem
from intake.poll_run import Counts, PollRun, is_disk_low
from intake.read_group import Fetched
from intake.receive import receive_group
from mailaccounts.models import MailAccount
from mailstore.blobs import get_blob

_IMPORTING = timedelta(minutes=10)  # a younger row belongs to an import that may still run
_LOST = "Die Datei mit dem Inhalt fehlt oder ist beschädigt."


def waiting_accounts() -> list[int]:
    """Accounts with imported mail that is due: tried again by a person, or left by an import that died."""
    return list(_waiting().order_by().values_list("account_id", flat=True).distinct())


def take_over_waiting(account_id: int) -> Counts:
    """Takes over what is due of an account's imported mail, one message at a time."""
    account = MailAccount.objects.kept().filter(pk=account_id).first()
    if account is None or is_disk_low():
        return Counts()
    with PollRun(account, owner="") as run:
        waiting = _waiting().filter(account=account).order_by("attempts", "pk")
        for item in waiting.select_related("folder").iterator():
            take_over(item, run=run)
        return run.counts


def take_over(item: IntakeItem, *, run: PollRun) -> None:
    """Tries this one once. As when polling: the attempt counts first; what killed the process three
    times is set aside unread. Raises what is nobody's fault, then the attempt does not count."""
    ledger.begin_attempt([item])
    try:
        raw = _read(item)
        if raw is None:
            return
        if item.attempts > ledger.ATTEMPTS:
            ledger.set_aside_after_crashes(item, raw)
            run.counts.quarantined += 1
            return
        receive_group([Fetched(item, raw, item.blob)], folder=item.folder, run=run)
    except (OSError, OperationalError, InterfaceError):
        ledger.take_back_attempt([item])
        raise


def _waiting() -> QuerySet[IntakeItem]:
    now = timezone.now()
    return (
        IntakeItem.objects.filter(state=IntakeItem.State.NOTED, uidvalidity=IMPORTED)
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .filter(noted_at__lt=now - _IMPORTING, account__archived_at__isnull=True)
        .order_by("pk")
    )


def _read(item: IntakeItem) -> bytes | None:
    try:
        return get_blob(item.blob)
    except (FileNotFoundError, ValueError):
        ledger.record_failure(item, None, _LOST)
        return None
