"""Changing what is noted about a ticket. Every change leaves a line in its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from tickets.models import Tag, Ticket, TicketEvent

if TYPE_CHECKING:
    from datetime import datetime

    from company.models import Address, Project, Queue, User


class Changes(TypedDict, total=False):
    """What can be changed; what is not named stays as it is."""

    subject: str
    status: str
    priority: int
    assignee: User | None
    queue: Queue | None
    project: Project | None
    address: Address | None
    is_gdpr: bool
    is_personal: bool
    tags: Sequence[str]


# In German, as stored: the history is a record and keeps the words of the day it was written.
_LABELS = {
    "subject": "Betreff",
    "status": "Status",
    "priority": "Priorität",
    "assignee": "Verantwortlich",
    "queue": "Warteschlange",
    "project": "Projekt",
    "address": "Adresse",
    "is_gdpr": "DSGVO",
    "is_personal": "persönlich",
}
_STATUS_WORDS = {
    Ticket.Status.NEW: "neu",
    Ticket.Status.OPEN: "offen",
    Ticket.Status.WAIT_INTERNAL: "warten auf Intern",
    Ticket.Status.WAIT_CUSTOMER: "warten auf Kunde",
    Ticket.Status.CLARIFY: "klären",
    Ticket.Status.CLOSED: "abgeschlossen",
    Ticket.Status.TRASH: "Papierkorb",
}
_PRIORITY_WORDS = {
    Ticket.Priority.LOW: "niedrig",
    Ticket.Priority.NORMAL: "normal",
    Ticket.Priority.HIGH: "hoch",
}
_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)
_LONGEST_TAG = 40


def change(
    *, ticket: Ticket, actor: User | None, **attributes: Unpack[Changes]
) -> list[TicketEvent]:
    """Sets the named attributes and returns the history lines of those that were different.

    `actor` None is the system (a rule, an import). Tags are names; unknown ones are made.
    Raises ValueError for a status or priority that does not exist.
    """
    now = timezone.now()
    texts: list[str] = []
    with transaction.atomic():
        tags = attributes.get("tags")
        if tags is not None:
            texts += _set_tags(ticket, tags)
        changed = []
        for name, value in attributes.items():
            if name == "tags" or _stored(ticket, name) == _comparable(value):
                continue
            texts.append(_describe(name, getattr(ticket, name), value))
            setattr(ticket, name, value)
            changed.append(name)
        if "status" in changed:
            changed += _follow_status(ticket, now)
        if changed:
            ticket.save(update_fields=[*changed, "updated_at"])
        return TicketEvent.objects.bulk_create(
            TicketEvent(
                ticket=ticket,
                kind=TicketEvent.Kind.CHANGED,
                actor=actor,
                text=text[:500],
                created_at=now,
            )
            for text in texts
        )


def _stored(ticket: Ticket, name: str) -> object:
    relations = ("assignee", "queue", "project", "address")
    return getattr(ticket, f"{name}_id" if name in relations else name)


def _comparable(value: object) -> object:
    return getattr(value, "pk", value)


def _describe(name: str, before: object, after: object) -> str:
    if isinstance(after, bool):
        return f"{_LABELS[name]} {'gesetzt' if after else 'entfernt'}"
    return f"{_LABELS[name]} {_word(name, before)} → {_word(name, after)}"


def _word(name: str, value: object) -> str:
    if name == "status":
        return _STATUS_WORDS[Ticket.Status(str(value))]
    if name == "priority" and isinstance(value, int):
        return _PRIORITY_WORDS[Ticket.Priority(value)]
    return str(value) if value else "–"


def _follow_status(ticket: Ticket, now: datetime) -> list[str]:
    """A ticket that is done waits for nobody; one that is open again has no closing time."""
    if ticket.status in _DONE:
        ticket.closed_at, ticket.waiting_since = now, None
    else:
        ticket.closed_at = None
    return ["closed_at", "waiting_since"]


def _set_tags(ticket: Ticket, names: Sequence[str]) -> list[str]:
    wanted = {name.casefold(): name for name in clean_tags(names)}
    present = {tag.name.casefold(): tag for tag in ticket.tags.all()}
    removed = [tag for key, tag in present.items() if key not in wanted]
    added = [take_tag(name) for key, name in wanted.items() if key not in present]
    ticket.tags.remove(*removed)
    ticket.tags.add(*added)
    return [f"Schlagwort „{tag.name}“ entfernt" for tag in removed] + [
        f"Schlagwort „{tag.name}“ gesetzt" for tag in added
    ]


def clean_tags(names: Iterable[str]) -> tuple[str, ...]:
    """Names of tags as they are kept: blanks tidied, not too long, none empty, none twice."""
    cleaned = (" ".join(name.split())[:_LONGEST_TAG] for name in names)
    return tuple({name.casefold(): name for name in cleaned if name}.values())


def take_tag(name: str) -> Tag:
    """The tag of this name, in any case of letters; made if there is none."""
    return Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
