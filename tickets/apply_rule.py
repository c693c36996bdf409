"""[Auf N Tickets anwenden]: a rule changes tickets that are here already, as if it had existed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from company.models import User
from tickets.models import Ticket, TicketEvent
from tickets.models.ticket import TicketQuerySet
from tickets.rules import LoadedRule
from tickets.run_rules import add_tags

_CHUNK = 200  # tickets changed in one transaction
_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)


def tickets_to_change(
    pks: Iterable[int], *, values: Mapping[str, object], tags: Sequence[str]
) -> dict[int, None]:
    """Those of the tickets, in their order, that are not yet as wanted; `tags` are names."""
    wanted = list(pks)
    found: set[int] = set()
    for chunk in _chunks(wanted):
        found.update(_differing(chunk, values, _lacking(tags)).values_list("pk", flat=True))
    return {pk: None for pk in wanted if pk in found}


def apply_to_tickets(rule: LoadedRule, pks: Iterable[int], *, actor: User) -> int:
    """Does what the saved rule says to these tickets; returns how many it changed. Repeatable.

    Each one's history names the rule and the person. No automatic answer is sent or held back.
    """
    return sum(_apply(rule, chunk, actor, timezone.now()) for chunk in _chunks(list(pks)))


def _apply(rule: LoadedRule, pks: Sequence[int], actor: User, now: datetime) -> int:
    values = dict(rule.values)
    with transaction.atomic():
        tagged = Ticket.tags.through.objects.filter(ticket=OuterRef("pk"))
        lacking = [~Q(Exists(tagged.filter(tag=tag))) for tag in rule.tags]
        rows = _differing(pks, values, lacking).select_for_update()
        tickets = list(rows.only("pk", "status").order_by("pk"))
        changed = Ticket.objects.filter(pk__in=[one.pk for one in tickets])
        if values.get("status") in _DONE:
            newly = [one.pk for one in tickets if one.status != values["status"]]
            Ticket.objects.filter(pk__in=newly).update(closed_at=now, waiting_since=None)
        changed.update(**values, updated_at=now)
        add_tags((one, tag) for one in tickets for tag in rule.tags)
        text = f"Regel „{rule.name}“ nachträglich angewendet: {', '.join(rule.words)}"[:500]
        TicketEvent.objects.bulk_create(
            TicketEvent(
                ticket=one,
                kind=TicketEvent.Kind.CHANGED,
                actor=actor,
                text=text,
                created_at=now,
            )
            for one in tickets
        )
    return len(tickets)


def _differing(
    pks: Sequence[int], values: Mapping[str, object], lacking: Sequence[Q]
) -> TicketQuerySet:
    """Tickets that differ in a value or lack a tag; none where nothing is wanted."""
    differs = Q(pk__in=[])
    for name, value in values.items():
        differs |= ~Q(**{name: value})
    for one in lacking:
        differs |= one
    return Ticket.objects.filter(differs, pk__in=pks, merged_into=None)


def _lacking(tags: Sequence[str]) -> list[Q]:
    rows = Ticket.tags.through.objects.filter(ticket=OuterRef("pk"))
    return [~Q(Exists(rows.filter(tag__name__iexact=name))) for name in tags]


def _chunks(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(pks), _CHUNK):
        yield pks[start : start + _CHUNK]
