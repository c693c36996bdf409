"""The speed an account allows itself: messages per minute, recipients per day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from mailaccounts.models import MailAccount
from outbox.models import Attempt, OutgoingMessage, Recipient

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def wait_until(account: MailAccount, recipients: int) -> datetime | None:
    """When the next message to so many recipients may go; None: now."""
    waits = (_minute_is_over(account), _day_is_over(account, recipients))
    return max((wait for wait in waits if wait is not None), default=None)


def _minute_is_over(account: MailAccount) -> datetime | None:
    limit = account.messages_per_minute
    if not limit:
        return None
    begun = Attempt.objects.filter(
        outgoing__account=account, started_at__gt=timezone.now() - _MINUTE
    ).order_by("-started_at")
    oldest = begun.values_list("started_at", flat=True)[limit - 1 : limit].first()
    return oldest + _MINUTE if oldest else None


def _day_is_over(account: MailAccount, recipients: int) -> datetime | None:
    limit = account.recipients_per_day
    if not limit:
        return None
    since = timezone.now() - _DAY
    sent = OutgoingMessage.objects.filter(account=account, sent_at__gt=since)
    used = Recipient.objects.filter(
        outgoing__in=sent, state__in=[Recipient.State.ACCEPTED, Recipient.State.BOUNCED]
    ).count()
    # One message to more people than a day has room for goes alone rather than never.
    if not used or used + recipients <= limit:
        return None
    oldest = sent.order_by("sent_at").values_list("sent_at", flat=True).first()
    return oldest + _DAY if oldest else None
