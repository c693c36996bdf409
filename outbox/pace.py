"""The speed an account allows itself: messages per minute, recipients per day."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from mailaccounts.models import MailAccount
from outbox.models import Attempt, OutgoingMessage, Recipient

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Pace:
    """What one run may still send. The rows are read at its start; the run is alone and counts on."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._begun = deque(self._begun_lately())
        self._used = self._recipients_today()

    def start(self, recipients: int) -> datetime | None:
        """Counts a message to so many recipients that goes now; or when it may: then nothing is counted."""
        now = timezone.now()
        waits = [self._minute_is_over(now), self._day_is_over(recipients)]
        when = max((wait for wait in waits if wait is not None), default=None)
        if when is None:
            self._begun.append(now)
            self._used += recipients
        return when

    def give_back(self, recipients: int) -> None:
        """So many recipients were counted and did not get it."""
        self._used -= recipients

    def _begun_lately(self) -> list[datetime]:
        """When the last messages went, the oldest first: as many as count for the limit."""
        limit = self._account.messages_per_minute
        if not limit:
            return []
        begun = Attempt.objects.filter(
            outgoing__account=self._account, started_at__gt=timezone.now() - _MINUTE
        )
        newest = begun.order_by("-started_at").values_list("started_at", flat=True)
        return list(reversed(newest[:limit]))

    def _minute_is_over(self, now: datetime) -> datetime | None:
        limit = self._account.messages_per_minute
        while self._begun and self._begun[0] <= now - _MINUTE:
            self._begun.popleft()
        if not limit:
            self._begun.clear()
            return None
        return self._begun[0] + _MINUTE if len(self._begun) >= limit else None

    def _recipients_today(self) -> int:
        if not self._account.recipients_per_day:
            return 0
        return Recipient.objects.filter(
            outgoing__in=self._sent_today(),
            state__in=[Recipient.State.ACCEPTED, Recipient.State.BOUNCED],
        ).count()

    def _day_is_over(self, recipients: int) -> datetime | None:
        limit = self._account.recipients_per_day
        # One message to more people than a day has room for goes alone rather than never.
        if not limit or self._used <= 0 or self._used + recipients <= limit:
            return None
        oldest = self._sent_today().order_by("sent_at").values_list("sent_at", flat=True).first()
        return (oldest or timezone.now()) + _DAY

    def _sent_today(self) -> QuerySet[OutgoingMessage]:
        since = timezone.now() - _DAY
        return OutgoingMessage.objects.filter(account=self._account, sent_at__gt=since)
