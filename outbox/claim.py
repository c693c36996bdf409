"""Which messages a worker has in hand: every claim is one conditional UPDATE."""

from __future__ import annotations

from datetime import timedelta

from django.db.backends.utils import CursorWrapper
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from company.statements import lazy_commit, update_of
from outbox.models import OutgoingMessage

BATCH = 10
CLAIM = timedelta(minutes=15)  # beyond that the sweep looks; longer than a batch of slow answers
_SLOWEST_BYTES = 8_192  # per second; an upload slower than this has failed long ago

State = OutgoingMessage.State


def due_messages(account_id: int) -> QuerySet[OutgoingMessage]:
    """What of this account may be sent now, the oldest first."""
    return OutgoingMessage.objects.filter(
        account_id=account_id, state__in=OutgoingMessage.DUE, next_attempt_at__lte=timezone.now()
    ).order_by("next_attempt_at", "pk")


def claim_due(account_id: int, owner: str, *, limit: int = BATCH) -> list[OutgoingMessage]:
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
    loaded = mine.select_related("message").defer("message__text", "message__search_text")
    return list(loaded.prefetch_related("recipients").order_by("next_attempt_at", "pk"))


_START = update_of(
    OutgoingMessage,
    ("data_started_at", "claimed_until"),
    ("pk", "claimed_by", "state", "claimed_until__gt"),
)


def start_data(cursor: CursorWrapper, outgoing: OutgoingMessage, owner: str) -> bool:
    """Notes that DATA is about to begin: once committed, a crash leaves the message uncertain.

    False: the claim is lost, nothing may be sent.
    """
    now = timezone.now()
    patience = CLAIM + timedelta(seconds=outgoing.message.size // _SLOWEST_BYTES)
    started = (now, now + patience)
    return bool(_START.run(cursor, *started, outgoing.pk, owner, State.SENDING.value, now))


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
