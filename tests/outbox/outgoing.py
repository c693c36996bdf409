"""Queued messages for the tests of the outbox."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from mailaccounts.models import AccountLink, MailAccount
from mailcore.messages import Draft, Mailbox
from outbox.enqueue import enqueue
from outbox.models import OutgoingMessage
from tests.factories import make_account
from tests.servers.smtp_sink import Sink

_count = itertools.count(1)


def account_for(sink: Sink, email: str = "support@firma.example", **values: Any) -> MailAccount:
    return make_account(email, smtp_port=sink.port, **values)


def make_draft(*to: str, **values: Any) -> Draft:
    return Draft(
        **{
            "from_": Mailbox("Support", "support@firma.example"),
            "to": tuple(Mailbox("", email) for email in to or ("hans@huber.example",)),
            "subject": f"Nachricht {next(_count)}",
            "text": "Guten Tag",
            **values,
        }
    )


def queue(account: MailAccount, *to: str, **values: Any) -> OutgoingMessage:
    """A message in the queue; keywords of enqueue, or of the draft with `draft=`."""
    return enqueue(
        **{
            "draft": make_draft(*to),
            "bcc": (),
            "account": account,
            "origin": OutgoingMessage.Origin.TEST,
            "once_key": f"test-{next(_count)}",
            "created_by": None,
            **values,
        }
    )


def fresh(outgoing: OutgoingMessage) -> OutgoingMessage:
    return OutgoingMessage.objects.get(pk=outgoing.pk)


def states(outgoing: OutgoingMessage) -> dict[str, str]:
    return dict(outgoing.recipients.values_list("email", "state"))


def let_time_pass(account: MailAccount, *, hours: float = 49) -> None:
    """Moves everything that waits for a moment that far into the past."""
    gone = timedelta(hours=hours)
    for outgoing in OutgoingMessage.objects.filter(account=account):
        for field in ("next_attempt_at", "sent_copy_next_at", "claimed_until"):
            moment = getattr(outgoing, field)
            if moment:
                OutgoingMessage.objects.filter(pk=outgoing.pk).update(**{field: moment - gone})
    for link in AccountLink.objects.filter(account=account, next_attempt_at__isnull=False):
        assert link.next_attempt_at
        AccountLink.objects.filter(pk=link.pk).update(next_attempt_at=link.next_attempt_at - gone)


def out_link(account: MailAccount) -> AccountLink:
    return AccountLink.objects.get(account=account, direction=AccountLink.Direction.OUTGOING)


def minutes_ahead(outgoing: OutgoingMessage) -> int:
    """In how many minutes it is due."""
    moment = fresh(outgoing).next_attempt_at
    assert moment
    return round((moment - timezone.now()).total_seconds() / 60)
