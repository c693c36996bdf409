"""What „Systemzustand“ and /health/ tell: measured when asked, from the database."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q
from django.utils import timezone

from company.models import CompanySettings
from intake.models import IntakeItem
from mailaccounts.models import AccountLink, MailAccount
from outbox.models import OutgoingMessage

LATE = timedelta(minutes=15)  # mail that waits longer is worth a warning
SILENT = timedelta(minutes=10)  # no poll for so long: is a worker running?


@dataclass(frozen=True, slots=True)
class SystemState:
    database: str
    broker: str
    free_bytes: int
    is_disk_low: bool
    accounts: int
    accounts_ok: int
    accounts_failing: int
    accounts_paused: int
    last_poll_at: datetime | None
    is_silent: bool  # accounts are due, but nobody has polled for a while
    incoming_noted: int
    incoming_quarantined: int
    incoming_too_large: int
    outgoing_waiting: int
    outgoing_failed: int
    outgoing_uncertain: int
    oldest_waiting_at: datetime | None
    is_late: bool
    fetching_paused: bool
    sending_paused: bool

    @property
    def is_well(self) -> bool:
        return not (self.is_disk_low or self.is_silent or self.is_late or self.accounts_failing)


def read_system_state() -> SystemState:
    """The state now; about six queries."""
    now = timezone.now()
    links = AccountLink.objects.filter(account__archived_at__isnull=True)
    incoming = links.filter(direction=AccountLink.Direction.INCOMING)
    last_poll_at = (
        incoming.order_by("-last_attempt_at")
        .exclude(last_attempt_at=None)
        .values_list("last_attempt_at", flat=True)
        .first()
    )
    polled = MailAccount.objects.kept().filter(imap_enabled=True, paused_at__isnull=True)
    paused = CompanySettings.load()
    outgoing = OutgoingMessage.objects.aggregate(
        waiting=Count("pk", filter=Q(state__in=["queued", "retry", "sending"])),
        failed=Count("pk", filter=Q(state__in=["failed", "bounced"])),
        uncertain=Count("pk", filter=Q(state="uncertain")),
        oldest=Min("created_at", filter=Q(state__in=["queued", "retry"])),
    )
    items = IntakeItem.objects.filter(state__in=["noted", "quarantined", "too_large"]).aggregate(
        noted=Count("pk", filter=Q(state="noted")),
        quarantined=Count("pk", filter=Q(state="quarantined")),
        too_large=Count("pk", filter=Q(state="too_large")),
    )
    bad = links.filter(state__in=[AccountLink.State.FAILING, AccountLink.State.LOGIN])
    free = shutil.disk_usage(settings.DATA_DIR).free
    oldest = outgoing["oldest"]
    is_due = polled.exists() and not paused.fetching_paused
    started = polled.order_by("-updated_at").values_list("updated_at", flat=True).first()
    latest_sign = max(filter(None, (last_poll_at, started)), default=None)
    return SystemState(
        database=connection.vendor,
        broker="redis" if settings.REDIS_URL else "memory",
        free_bytes=free,
        is_disk_low=free < settings.MIN_FREE_DISK_BYTES,
        accounts=MailAccount.objects.kept().count(),
        accounts_ok=_accounts(links.filter(state=AccountLink.State.OK))
        - _accounts(bad.filter(account__links__state=AccountLink.State.OK)),
        accounts_failing=_accounts(bad.filter(account__paused_at__isnull=True)),
        accounts_paused=MailAccount.objects.kept().filter(paused_at__isnull=False).count(),
        last_poll_at=last_poll_at,
        is_silent=bool(is_due and latest_sign and now - latest_sign > SILENT),
        incoming_noted=items["noted"],
        incoming_quarantined=items["quarantined"],
        incoming_too_large=items["too_large"],
        outgoing_waiting=outgoing["waiting"],
        outgoing_failed=outgoing["failed"],
        outgoing_uncertain=outgoing["uncertain"],
        oldest_waiting_at=oldest,
        is_late=bool(oldest and now - oldest > LATE and not paused.sending_paused),
        fetching_paused=paused.fetching_paused,
        sending_paused=paused.sending_paused,
    )


def _accounts(links: object) -> int:
    return links.values("account_id").distinct().count()  # type: ignore[attr-defined,no-any-return]
