"""The coloured words for the states of tickets."""

from __future__ import annotations

from outbox.badges import Badge
from tickets.models import Ticket

_STATUS: dict[str, tuple[str, str]] = {
    Ticket.Status.NEW: ("info", "inbox"),
    Ticket.Status.OPEN: ("ok", "circle"),
    Ticket.Status.WAIT_INTERNAL: ("warn", "hourglass"),
    Ticket.Status.WAIT_CUSTOMER: ("warn", "hourglass"),
    Ticket.Status.CLARIFY: ("violet", "help-circle"),
    Ticket.Status.CLOSED: ("neutral", "check"),
    Ticket.Status.TRASH: ("neutral", "trash"),
}


def status_badge(status: str) -> Badge:
    tone, icon = _STATUS[status]
    return Badge(str(Ticket.Status(status).label), tone, icon)
