"""What a further mail changes about its ticket."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Value
from django.db.models.functions import Coalesce

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


def join_ticket(ticket: Ticket, mail: IncomingMail, now: datetime) -> list[TicketEvent]:
    """Brings a ticket up to date with a mail that joined it; returns the history lines.

    Absence notices, delays and receipts change neither status nor waiting. The status is changed
    by what it is in the database now: somebody may be closing the ticket this very moment.
    """
    is_waiting = not (
        mail.classification.is_absence or mail.account.close_tickets or _is_notice(mail.bounce)
    )
    values: dict[str, object] = {"updated_at": now}
    if mail.received_at >= ticket.last_message_at:
        ticket.last_message_at, ticket.preview = mail.received_at, mail.message.preview
        values |= {"last_message_at": ticket.last_message_at, "preview": ticket.preview}
    if mail.message.has_attachments and not ticket.has_attachments:
        ticket.has_attachments = values["has_attachments"] = True
    if is_waiting:
        values["waiting_since"] = Coalesce("waiting_since", Value(mail.received_at))
        ticket.waiting_since = ticket.waiting_since or mail.received_at
    Ticket.objects.filter(pk=ticket.pk).update(**values)
    return _reopen(ticket, mail, now) if is_waiting else []


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


def _reopen(ticket: Ticket, mail: IncomingMail, now: datetime) -> list[TicketEvent]:
    """Opens a ticket that was done or waited for the customer."""
    reopened = Ticket.objects.filter(pk=ticket.pk, status__in=_STATUS_WORDS).update(
        status=Ticket.Status.OPEN, closed_at=None
    )
    if not reopened:
        return []
    before = _STATUS_WORDS.get(Ticket.Status(ticket.status), "abgeschlossen")
    ticket.status, ticket.closed_at = Ticket.Status.OPEN, None
    sender = mail.message.from_email or "unbekanntem Absender"
    text = f"Status {before} → offen: neue E-Mail von {sender}"
    return [
        TicketEvent(ticket=ticket, kind=TicketEvent.Kind.CHANGED, text=text[:500], created_at=now)
    ]
