"""How often one person may get an automatic answer, even where nothing looks automatic.

Two programs that answer each other and hide it are stopped by counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from mailaccounts.models import MailAccount
from outbox.models import OutgoingMessage

# (minutes, automatic answers within them)
_BY_ACCOUNT = ((10, 10), (30, 15), (60, 25), (180, 50), (600, 100))
_IN_ALL = ((10, 30), (30, 60), (60, 120), (180, 240), (600, 360))
_LONGEST = timedelta(minutes=600)


def has_had_enough(account: MailAccount, email: str) -> bool:
    """Whether this address got so many automatic answers lately that another looks like a loop."""
    now = timezone.now()
    answered = list(
        OutgoingMessage.objects.filter(
            origin=OutgoingMessage.Origin.AUTORESPONSE,
            recipients__email__iexact=email,
            created_at__gt=now - _LONGEST,
        ).values_list("created_at", "account_id")
    )
    of_account = [when for when, account_id in answered if account_id == account.pk]
    return _exceeds(of_account, _BY_ACCOUNT, now) or _exceeds(
        [when for when, _ in answered], _IN_ALL, now
    )


def _exceeds(times: Iterable[datetime], limits: Iterable[tuple[int, int]], now: datetime) -> bool:
    ages = [now - when for when in times]
    return any(
        sum(age <= timedelta(minutes=minutes) for age in ages) >= count for minutes, count in limits
    )
