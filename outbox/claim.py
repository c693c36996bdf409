"""Which messages a worker has in hand: every claim is one conditional UPDATE."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from company.lazy_commit import lazy_commit
from company.rows import update_values
from outbox.models import OutgoingMessage, Recipient

BATCH = 10
CLAIM = timedelta(minutes=15)  # beyond that the sweep looks; longer than a batch of slow answers
_SLOWEST_BYTES = 8_192  # per second; an upload slower than this has failed long ago

State = OutgoingMessage.State


def due_messages(account_id: int) -> QuerySet[OutgoingMessage]:
    """What of this account may be sent now, the oldest first."""
    return OutgoingMessage.objects.filter(
        account_id=account_id, state__in=OutgoingMessage.DUE, next_attempt_at__lte=timezone.now()
    ).order_by("next_attempt_at", "pk")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand and all of its recipients, as the rows were when it was claimed."""

    outgoing: OutgoingMessage
    recipients: tuple[Recipient, ...]


def claim_due(account_id: int, owner: str, *, limit: int = BATCH) -> list[Claimed]:
    """Takes the next due messages; another worker or a cancellation may be faster with some."""
    wanted = list(due_messages(account_id).values_list("pk", flat=True)[:limit])
    if not wanted:
        return []
    # Nothing is sent on a claim alone: where it is lost in a power cut, the message is simply due.
    with lazy_commit():
        due_messages(account_id).order_by().filter(pk__in=wanted).update(
            state=State.SENDING,
            claimed_by=owner,
            claimed_until=timezone.now() + CLAIM,
            data_started_at=None,
        )
    mine = OutgoingMessage.objects.filter(pk__in=wanted, claimed_by=owner, state=State.SENDING)
    loaded = mine.select_related("message").only(*_NEEDED).order_by("next_attempt_at", "pk")
    # Not by prefetch_related, which builds a query for every single message.
    people: dict[int, list[Recipient]] = defaultdict(list)
    for one in Recipient.objects.filter(outgoing__in=wanted):
        people[one.outgoing_id].append(one)
    return [Claimed(outgoing, tuple(people[outgoing.pk])) for outgoing in loaded]


_NEEDED = (
    *("account_id", "origin", "envelope_from", "state", "next_attempt_at", "attempts_made"),
    *("sent_at", "sent_copy", "sent_copy_next_at", "message__sha256", "message__size"),
)


def start_data(messages: Sequence[Claimed], owner: str) -> set[int]:
    """Notes that they are about to go: once committed, a crash leaves them uncertain.

    Returns the keys of those that are still ours; of the others nothing may be sent.
    """
    now = timezone.now()
    upload = timedelta(seconds=sum(one.outgoing.message.size for one in messages) // _SLOWEST_BYTES)
    rows = [(now, now + CLAIM + upload, one.outgoing.pk, owner) for one in messages]
    return update_values(
        OutgoingMessage,
        ("data_started_at", "claimed_until"),
        rows,
        where=("claimed_by",),
        also="state = 'sending' AND claimed_until > %s",
        values=(now,),
    )


def unstart(messages: Sequence[Claimed], owner: str) -> None:
    """Takes the note back: nothing of them went."""
    OutgoingMessage.objects.filter(
        pk__in=[one.outgoing.pk for one in messages], claimed_by=owner, state=State.SENDING
    ).update(data_started_at=None)


def release(owner: str) -> int:
    """Gives back what was claimed and not begun. Returns how many."""
    return give_back(
        OutgoingMessage.objects.filter(
            claimed_by=owner, state=State.SENDING, data_started_at__isnull=True
        )
    )


def give_back(messages: QuerySet[OutgoingMessage]) -> int:
    """Messages in „sendet“ whose transfer never began wait again, due as before."""
    return messages.update(
        state=Case(When(attempts_made=0, then=Value(State.QUEUED)), default=Value(State.RETRY)),
        claimed_by="",
        claimed_until=None,
    )
