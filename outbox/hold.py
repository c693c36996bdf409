"""Whether an account may send now, and what keeps it from it."""

from __future__ import annotations

from django.db.models import Exists, Q, QuerySet
from django.utils import timezone

from company.models import CompanySettings
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from mailcore.errors import MailError
from mailcore.smtp import Verdict
from outbox.retry_schedule import end_of_throttle

OUT = AccountLink.Direction.OUTGOING
NO_BRAKE = ~Exists(CompanySettings.objects.filter(sending_paused=True))


def sendable(account_id: int) -> QuerySet[MailAccount]:
    """The account, if it may send now: not deleted, paused, held, waiting for a login or braked."""
    held = AccountLink.objects.filter(account_id=account_id, direction=OUT).filter(
        Q(state=AccountLink.State.LOGIN) | Q(next_attempt_at__gt=timezone.now())
    )
    accounts = MailAccount.objects.kept().filter(smtp_enabled=True, paused_at__isnull=True)
    return accounts.filter(NO_BRAKE, ~Exists(held), pk=account_id)


def hold(account_id: int, verdict: Verdict, error: MailError) -> None:
    """Keeps the account from sending: until an admin acts, for the provider's window, or a while."""
    if verdict is Verdict.ACCOUNT:
        links.record_refusal(account_id, OUT, error)
    elif verdict is Verdict.THROTTLE:
        links.hold_until(account_id, OUT, end_of_throttle(error.detail, timezone.now()))
    else:
        links.record_failure(account_id, OUT, error)
