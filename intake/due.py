"""Which accounts are to be polled now."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone

from company.models import CompanySettings
from mailaccounts.links import ready_accounts
from mailaccounts.models import AccountLink


def due_accounts() -> list[int]:
    """Ids of the accounts whose last poll is POLL_SECONDS ago: the healthy before those in trouble,
    of each the longest waiting first."""
    if CompanySettings.load().fetching_paused:
        return []
    link = AccountLink.objects.filter(
        account=OuterRef("pk"), direction=AccountLink.Direction.INCOMING
    )
    now = timezone.now()
    interval = timedelta(seconds=settings.POLL_SECONDS)
    # After a failure the back-off decides, which ready_accounts knows, not the interval. A moment
    # that lies ahead was written before the clock was set back.
    fresh = link.filter(
        last_attempt_at__gt=now - interval, last_attempt_at__lte=now, next_attempt_at__isnull=True
    )
    return list(
        ready_accounts(AccountLink.Direction.INCOMING)
        .filter(~Exists(fresh))
        .annotate(
            polled_at=Subquery(link.values("last_attempt_at")[:1]),
            is_failing=Exists(link.filter(failures__gt=0)),
        )
        .order_by("is_failing", F("polled_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)
    )
