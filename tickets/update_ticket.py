"""What a further mail changes about its ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from mailcore.bounces import Bounce, BounceRecipient
from tickets.incoming import IncomingMail
from tickets.models import Ticket, TicketEvent

_WORDS = {
    "failed": "Unzustellbar",
    "delayed": "Zustellung verzögert",
    "delivered": "Zugestellt",
}
_STATUS_WORDS = {
    Ticket.Status.CLOSED: "abgeschlossen",
    Ticket.Status.TRASH: "Papierkorb",
    Ticket.Status.WAIT_CUSTOMER: "warten auf Kunde",
}
_JOIN = """
    UPDATE tickets_ticket SET updated_at = %s,
        preview = CASE WHEN %s >= last_message_at THEN %s ELSE preview END,
        last_message_at = CASE WHEN %s >= last_message_at THEN %s ELSE last_message_at END,
        has_attachments = (has_attachments OR %s),
        waiting_since = COALESCE(waiting_since, %s)
    WHERE id = %s
"""


def join_tickets(joined: Sequence[tuple[Ticket, IncomingMail]], now: datetime) -> list[TicketEvent]:
    """Brings tickets up to date with mails that joined them; returns the history lines.

    Absence notices, delays and receipts change neither status nor waiting. Everything is changed by what
    the ticket is in the database now: somebody may be closing it this very moment.
    """
    waking: dict[int, IncomingMail] = {}  # the first mail that waits for an answer
    changes: dict[int, tuple[Ticket, IncomingMail, bool]] = {}  # the newest mail, any attachments
    for ticket, mail in joined:
        if _wants_answer(mail):
            waking.setdefault(ticket.pk, mail)
        _, newest, has_files = changes.get(ticket.pk, (ticket, mail, False))
        if mail.received_at >= newest.received_at:
            newest = mail
        changes[ticket.pk] = ticket, newest, has_files or mail.message.has_attachments
    _write(changes, waking, now)
    return _reopen(waking, {pk: ticket for pk, (ticket, *_) in changes.items()}, now)


def _wants_answer(mail: IncomingMail) -> bool:
    return not (
        mail.classification.is_absence or mail.account.close_tickets or _is_notice(mail.bounce)
    )


def _write(
    changes: Mapping[int, tuple[Ticket, IncomingMail, bool]],
    waking: Mapping[int, IncomingMail],
    now: datetime,
) -> None:
    """In the order of the keys, so that two workers never wait for each other in a circle."""
    moment = connection.ops.adapt_datetimefield_value
    rows = []
    for pk, (ticket, newest, has_files) in sorted(changes.items()):
        since = waking[pk].received_at if pk in waking else None
        at, preview = newest.received_at, newest.message.preview
        rows.append(
            (moment(now), moment(at), preview, moment(at), moment(at), has_files, moment(since), pk)
        )
        if at >= ticket.last_message_at:
            ticket.last_message_at, ticket.preview = at, preview
        ticket.has_attachments = ticket.has_attachments or has_files
        ticket.waiting_since = ticket.waiting_since or since
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_JOIN, rows)


def describe_delivery(bounce: Bounce) -> list[str]:
    """The history lines of a delivery report, one for each recipient."""
    if not bounce.recipients:
        return [f"{_WORDS.get(bounce.kind, _WORDS['failed'])}."]
    return [_describe(recipient, bounce.kind) for recipient in bounce.recipients[:20]]


def _is_notice(bounce: Bounce | None) -> bool:
    return bounce is not None and bounce.kind != "failed"


def _describe(recipient: BounceRecipient, kind: str) -> str:
    word = _WORDS.get(recipient.action) or _WORDS.get(kind, _WORDS["failed"])
    reason = " ".join(part for part in (recipient.status, recipient.diagnostic) if part)
    return (
        f"{word} an {recipient.address}: {reason}" if reason else f"{word} an {recipient.address}."
    )


def _reopen(
    waking: Mapping[int, IncomingMail], tickets: Mapping[int, Ticket], now: datetime
) -> list[TicketEvent]:
    """Opens tickets that were done or waited for the customer; their rows are ours since `_write`."""
    resting = Ticket.objects.filter(pk__in=list(waking), status__in=_STATUS_WORDS)
    before = dict(resting.order_by("pk").values_list("pk", "status")) if waking else {}
    if not before:
        return []
    Ticket.objects.filter(pk__in=before).update(status=Ticket.Status.OPEN, closed_at=None)
    events = []
    for pk, status in before.items():
        ticket = tickets[pk]
        ticket.status, ticket.closed_at = Ticket.Status.OPEN, None
        sender = waking[pk].message.from_email or "unbekanntem Absender"
        text = f"Status {_STATUS_WORDS[Ticket.Status(status)]} → offen: neue E-Mail von {sender}"
        kind = TicketEvent.Kind.CHANGED
        events.append(TicketEvent(ticket=ticket, kind=kind, text=text[:500], created_at=now))
    return events
