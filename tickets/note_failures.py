"""Answers that did not arrive: the ticket opens again, its history says why, the author is told.

The outbox tells what became of a mail; here stands which failure was told already (`noted_state`
and `noted_attempt` of the ticket message). Each is told once, whoever looks and however often.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from company.notify import notify
from outbox.failure_words import failure_reason, missed_recipients, name_recipients
from outbox.models import Attempt, OutgoingMessage, Recipient
from tickets.models import Ticket, TicketEvent, TicketMessage

_State = OutgoingMessage.State
_BAD = (_State.FAILED, _State.BOUNCED, _State.UNCERTAIN)
_SETTLED = {Ticket.Status.CLOSED: "abgeschlossen", Ticket.Status.WAIT_CUSTOMER: "warten auf Kunde"}
_RECENT = timedelta(days=7)  # partly refused mail older than this was told or never will be
_BATCH = 200


def note_failures() -> int:
    """Tells the failures nobody was told of. Returns how many; safe to run side by side."""
    return sum(_tell(one) for one in chain(_failed(), _partly_refused()))


def _failed() -> QuerySet[TicketMessage]:
    replies = _replies().filter(outgoing__state__in=_BAD)
    return _with_mail(
        replies.exclude(noted_state=F("outgoing__state"), noted_attempt=F("last_attempt"))
    )


def _partly_refused() -> QuerySet[TicketMessage]:
    """Sent, but not to everybody."""
    refused = Recipient.objects.filter(
        state=Recipient.State.REFUSED,
        outgoing__state=_State.SENT,
        outgoing__origin=OutgoingMessage.Origin.TICKET,
        outgoing__created_at__gte=timezone.now() - _RECENT,
    )
    replies = _replies().filter(outgoing__in=refused.values("outgoing_id"))
    return _with_mail(replies.exclude(noted_state=_State.SENT, noted_attempt=F("last_attempt")))


def _replies() -> QuerySet[TicketMessage]:
    """Our answers, each with the key of the last try to send it.

    Letters and documents that were answered stand in tickets too; their fate is told by their own app.
    """
    tries = Attempt.objects.filter(outgoing=OuterRef("outgoing")).order_by("-pk").values("pk")[:1]
    replies = TicketMessage.objects.filter(
        kind=TicketMessage.Kind.REPLY, outgoing__origin=OutgoingMessage.Origin.TICKET
    )
    return replies.annotate(last_attempt=Coalesce(Subquery(tries), 0))


def _with_mail(replies: QuerySet[TicketMessage]) -> QuerySet[TicketMessage]:
    related = replies.select_related("ticket", "outgoing", "author")
    return related.prefetch_related("outgoing__recipients").order_by("pk")[:_BATCH]


def _tell(reply: TicketMessage) -> int:
    outgoing = reply.outgoing
    assert outgoing is not None
    attempt: int = reply.last_attempt  # type: ignore[attr-defined]  # annotated in _replies
    with transaction.atomic():
        claimed = TicketMessage.objects.filter(
            pk=reply.pk, noted_state=reply.noted_state, noted_attempt=reply.noted_attempt
        ).update(noted_state=outgoing.state, noted_attempt=attempt)
        if not claimed:
            return 0
        reopened = outgoing.state in _BAD and _reopen(reply.ticket)
        _write_history(reply.ticket, outgoing, reopened=reopened)
        notify(
            user=reply.author,
            text=lambda: _notice(reply.ticket, outgoing),
            url=reverse("tickets:ticket", args=[reply.ticket.number]),
            once_key=f"reply:{reply.pk}:{outgoing.state}:{attempt}",
            is_failure=True,
        )
    return 1


def _reopen(ticket: Ticket) -> bool:
    """The customer has no answer: what was settled is open, and waits again."""
    reopened = Ticket.objects.filter(pk=ticket.pk, status__in=_SETTLED).update(
        status=Ticket.Status.OPEN,
        closed_at=None,
        waiting_since=Coalesce("waiting_since", Value(timezone.now())),
        updated_at=timezone.now(),
    )
    return bool(reopened)


def _write_history(ticket: Ticket, outgoing: OutgoingMessage, *, reopened: bool) -> None:
    with translation.override("de"):  # the history is German, whoever is at work here
        text = _notice_text(outgoing)
    events = []
    if not _is_in_history(ticket, outgoing):
        events.append((TicketEvent.Kind.DELIVERY, text))
    if reopened:
        before = _SETTLED.get(Ticket.Status(ticket.status), "abgeschlossen")
        reason = f"Status {before} → offen: die Antwort ist nicht sicher angekommen"
        events.append((TicketEvent.Kind.CHANGED, reason))
    TicketEvent.objects.bulk_create(
        TicketEvent(ticket=ticket, kind=kind, text=words[:500], created_at=timezone.now())
        for kind, words in events
    )


def _is_in_history(ticket: Ticket, outgoing: OutgoingMessage) -> bool:
    """A delivery report that came to the ticket has said it already."""
    if outgoing.state != _State.BOUNCED:
        return False
    lines = ticket.events.filter(
        kind=TicketEvent.Kind.DELIVERY, created_at__gte=outgoing.created_at
    ).values_list("text", flat=True)
    emails = [one.email.lower() for one in missed_recipients(outgoing)]
    return any(email in line.lower() for line in lines for email in emails)


def _notice(ticket: Ticket, outgoing: OutgoingMessage) -> str:
    return f"{_('Ticket')} #{ticket.number}: {_notice_text(outgoing)}"


def _notice_text(outgoing: OutgoingMessage) -> str:
    missed = missed_recipients(outgoing)
    names = {"names": name_recipients(missed), "reason": failure_reason(outgoing, missed)}
    if outgoing.state == _State.UNCERTAIN:
        return _("Ob die Antwort an %(names)s angekommen ist, ist unklar: %(reason)s") % names
    return _("Die Antwort an %(names)s wurde nicht zugestellt: %(reason)s") % names
