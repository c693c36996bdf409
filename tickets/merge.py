"""Merging: a ticket's mails and notes move into another one; all of it can be taken back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from company.models import User
from tickets.models import ThreadId, Ticket, TicketEvent, TicketMerge, TicketMessage

_SETTLED = (Ticket.Status.CLOSED, Ticket.Status.TRASH, Ticket.Status.WAIT_CUSTOMER)


class MergeRefused(Exception):
    """`is_circle`: the ticket would become part of itself; else one of them is merged already."""

    def __init__(self, *, is_circle: bool) -> None:
        super().__init__("circle" if is_circle else "merged already")
        self.is_circle = is_circle


def merge(*, ticket: Ticket, into: Ticket, actor: User) -> TicketMerge:
    """Moves everything of `ticket` into `into`, where its mail goes from now on.

    The history stays where it was written. Raises MergeRefused, having changed nothing.
    """
    now = timezone.now()
    with transaction.atomic():
        ticket, into = _lock(ticket, into)
        if ticket.pk == into.pk:
            raise MergeRefused(is_circle=True)
        if ticket.merged_into_id is not None or into.merged_into_id is not None:
            raise MergeRefused(is_circle=False)
        done = TicketMerge.objects.create(
            ticket=ticket,
            into=into,
            actor=actor,
            created_at=now,
            moved_messages=list(ticket.messages.values_list("pk", flat=True)),
            moved_thread_ids=_movable_ids(ticket, into),
            status_before=ticket.status,
            waiting_before=ticket.waiting_since,
            closed_before=ticket.closed_at,
            into_status_before=into.status,
            into_waiting_before=into.waiting_since,
            into_closed_before=into.closed_at,
        )
        _move(done, ticket, into)
        _take_over(ticket, into)
        ticket.merged_into, ticket.maybe_answers = into, None
        ticket.status, ticket.closed_at, ticket.waiting_since = Ticket.Status.CLOSED, now, None
        _save(ticket, into)
        _note(ticket, actor, f"Mit Ticket #{into.number} zusammengeführt.", now)
        _note(into, actor, f"Ticket #{ticket.number} wurde hiermit zusammengeführt.", now)
    return done


def undo_merge(*, done: TicketMerge, actor: User) -> None:
    """Moves back what was moved; mail that came since stays. A second time nothing happens.

    Raises MergeRefused where the other ticket has been merged further meanwhile.
    """
    now = timezone.now()
    with transaction.atomic():
        ticket, into = _lock(done.ticket, done.into)
        if into.merged_into_id is not None:
            raise MergeRefused(is_circle=False)
        if not TicketMerge.objects.filter(pk=done.pk, undone_at=None).update(undone_at=now):
            return
        done.refresh_from_db()
        _move(done, into, ticket)
        ticket.merged_into, ticket.status = None, done.status_before
        ticket.waiting_since, ticket.closed_at = done.waiting_before, done.closed_before
        if into.status == _status_after(done):
            into.status, into.closed_at = done.into_status_before, done.into_closed_before
            into.waiting_since = done.into_waiting_before
        _describe_newest(ticket)
        _describe_newest(into)
        _save(ticket, into)
        _note(ticket, actor, f"Zusammenführung mit Ticket #{into.number} rückgängig gemacht.", now)
        _note(into, actor, f"Ticket #{ticket.number} wieder abgetrennt.", now)


def merges_to_undo(ticket: Ticket) -> tuple[TicketMerge, ...]:
    """The merges into this ticket, or the one that ended it; newest first."""
    found = TicketMerge.objects.filter(undone_at=None).select_related("ticket", "into", "actor")
    if ticket.merged_into_id is not None:
        return tuple(found.filter(ticket=ticket))
    return tuple(found.filter(into=ticket))


def _lock(*tickets: Ticket) -> list[Ticket]:
    """Fresh copies, locked in one order so that two merges do not wait for each other."""
    pks = sorted({one.pk for one in tickets})
    fresh = {
        one.pk: one for one in Ticket.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    }
    return [fresh[one.pk] for one in tickets]


def _movable_ids(ticket: Ticket, into: Ticket) -> list[int]:
    """An id both know stays: mail that names it finds the target either way."""
    known = ThreadId.objects.filter(ticket=into).values("message_id_hash")
    rows = ThreadId.objects.filter(ticket=ticket).exclude(message_id_hash__in=known)
    return list(rows.values_list("pk", flat=True))


def _move(done: TicketMerge, source: Ticket, target: Ticket) -> None:
    TicketMessage.objects.filter(ticket=source, pk__in=done.moved_messages).update(ticket=target)
    ThreadId.objects.filter(ticket=source, pk__in=done.moved_thread_ids).update(ticket=target)


def _take_over(ticket: Ticket, into: Ticket) -> None:
    """The target shows what the moved mails mean for it: newest words, files, who waits."""
    if ticket.last_message_at >= into.last_message_at:
        into.last_message_at, into.preview = ticket.last_message_at, ticket.preview
    into.has_attachments = into.has_attachments or ticket.has_attachments
    if ticket.waiting_since is None:
        return
    into.waiting_since = min(into.waiting_since or ticket.waiting_since, ticket.waiting_since)
    if into.status in _SETTLED:
        into.status, into.closed_at = Ticket.Status.OPEN, None


def _status_after(done: TicketMerge) -> str:
    reopened = done.waiting_before is not None and done.into_status_before in _SETTLED
    return Ticket.Status.OPEN if reopened else done.into_status_before


def _describe_newest(ticket: Ticket) -> None:
    mails = TicketMessage.objects.filter(ticket=ticket, message__isnull=False)
    newest = mails.select_related("message").order_by("-created_at", "-pk").first()
    if newest is not None and newest.message is not None:
        ticket.last_message_at, ticket.preview = newest.created_at, newest.message.preview
    ticket.has_attachments = mails.filter(message__has_attachments=True).exists()


def _save(*tickets: Ticket) -> None:
    for one in tickets:
        one.save(
            update_fields=[
                "merged_into", "maybe_answers", "status", "closed_at", "waiting_since",
                "last_message_at", "preview", "has_attachments", "updated_at",
            ]
        )  # fmt: skip


def _note(ticket: Ticket, actor: User, text: str, now: datetime) -> None:
    TicketEvent.objects.create(
        ticket=ticket, kind=TicketEvent.Kind.CHANGED, actor=actor, text=text, created_at=now
    )
