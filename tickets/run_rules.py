"""Does to tickets what the rules said; each rule that did something stands in the history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tickets.models import Ticket, TicketEvent
from tickets.rules import LoadedRule, Outcome

_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)


def shape_new(ticket: Ticket, outcome: Outcome, now: datetime) -> None:
    """Sets what the rules want at a ticket that is not saved yet."""
    for name, value in outcome.values.items():
        setattr(ticket, name, value)
    if outcome.values.get("status") in _DONE:
        ticket.closed_at, ticket.waiting_since = now, None


def note_rules(ticket: Ticket, outcome: Outcome, now: datetime) -> list[TicketEvent]:
    """One line for each rule."""
    return [_event(ticket, rule, now) for rule in outcome.rules]


def change_joined(ticket: Ticket, outcome: Outcome, now: datetime) -> list[TicketEvent]:
    """Changes a ticket that a further mail joined; rules that change nothing leave no line."""
    wanted = outcome.values
    changed = {name: value for name, value in wanted.items() if getattr(ticket, name) != value}
    if not changed:
        return []
    for name, value in changed.items():
        setattr(ticket, name, value)
    if changed.get("status") in _DONE:
        ticket.closed_at, ticket.waiting_since = now, None
        changed |= {"closed_at": now, "waiting_since": None}
    Ticket.objects.filter(pk=ticket.pk).update(**changed)
    return [
        _event(ticket, rule, now)
        for rule in outcome.rules
        if any(name in changed for name, _ in rule.values)
    ]


def add_tags(wanted: Iterable[tuple[Ticket, int]]) -> None:
    """Tags of saved tickets, in one statement; those a ticket has already stay."""
    through = Ticket.tags.through
    through.objects.bulk_create(
        (through(ticket_id=ticket.pk, tag_id=tag) for ticket, tag in wanted),
        ignore_conflicts=True,
    )


def _event(ticket: Ticket, rule: LoadedRule, now: datetime) -> TicketEvent:
    text = f"Regel „{rule.name}“: {', '.join(rule.words) or 'keine Änderung'}"
    return TicketEvent(
        ticket=ticket, kind=TicketEvent.Kind.CHANGED, text=text[:500], created_at=now
    )
