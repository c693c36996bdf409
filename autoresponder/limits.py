"""How often one person may get an automatic answer, even where nothing looks automatic.

Two programs that answer each other and hide it are stopped by counting, and from the second answer on
already when the subject repeats. The numbers are those that field-tested help desks use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from mailaccounts.models import MailAccount
from mailcore.threading import normalise_subject
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage

# (minutes, automatic answers within them)
_IN_TICKET = ((10, 10), (30, 15), (60, 25), (180, 50), (600, 100))
_IN_ALL = ((10, 30), (30, 60), (60, 120), (180, 240), (600, 360))
_LONGEST = timedelta(minutes=600)
_TOO_MANY = "Diese Adresse bekam in kurzer Zeit zu viele automatische Antworten."
_SAME_SUBJECT = (
    "Auf eine E-Mail dieser Adresse mit demselben Betreff ging vor Kurzem schon eine. So antworten "
    "sich zwei Programme nicht gegenseitig."
)


def answer_key(account: MailAccount, message: StoredMessage) -> str:
    """The outbox's once_key of the automatic answer of this account to this message."""
    return f"autoresponse:{account.pk}:{message.pk}"


def reason_to_stop(
    *,
    account: MailAccount,
    email: str,
    message: StoredMessage,
    ticket_answers: Sequence[datetime] | None,
) -> str:
    """Why another automatic answer to this address would look like a loop (German), or "".

    `ticket_answers`: when this address got one in this ticket; None without a ticket, then those of
    the account count.
    """
    now = timezone.now()
    answered = OutgoingMessage.objects.filter(
        origin=OutgoingMessage.Origin.AUTORESPONSE,
        recipients__email__iexact=email,
        created_at__gt=now - _LONGEST,
    ).exclude(once_key=answer_key(account, message))
    rows = list(answered.order_by("-pk").values_list("created_at", "once_key")[: _IN_ALL[-1][1]])
    of_account = [(when, key) for when, key in rows if _account_of(key) == account.pk]
    nearest = [when for when, _ in of_account] if ticket_answers is None else ticket_answers
    if _exceeds(nearest, _IN_TICKET, now) or _exceeds([when for when, _ in rows], _IN_ALL, now):
        return _TOO_MANY
    if _repeats_subject([key for _, key in of_account], message):
        return _SAME_SUBJECT
    return ""


def _account_of(key: str) -> int | None:
    """Of the account that was written to; the answer may go out through another one."""
    parts = key.split(":")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdecimal() else None


def _repeats_subject(keys: Iterable[str], message: StoredMessage) -> bool:
    pks = [int(key.rpartition(":")[2]) for key in keys if key.rpartition(":")[2].isdecimal()]
    subjects = StoredMessage.objects.filter(pk__in=pks).values_list("subject", flat=True)
    wanted = normalise_subject(message.subject)
    return any(normalise_subject(subject) == wanted for subject in subjects)


def _exceeds(times: Iterable[datetime], limits: Iterable[tuple[int, int]], now: datetime) -> bool:
    ages = [now - when for when in times]
    return any(
        sum(age <= timedelta(minutes=minutes) for age in ages) >= count for minutes, count in limits
    )
