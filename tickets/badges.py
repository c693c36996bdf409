"""The coloured words of the ticket pages: states of tickets and of mail on its way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from outbox.models import OutgoingMessage
from tickets.models import Ticket

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Badge:
    """What `_badge.html` needs."""

    text: StrOrPromise
    tone: str
    icon: str


_STATUS = {
    Ticket.Status.NEW: Badge(_("neu"), "info", "inbox"),
    Ticket.Status.OPEN: Badge(_("offen"), "ok", "circle"),
    Ticket.Status.WAIT_INTERNAL: Badge(_("warten auf Intern"), "warn", "hourglass"),
    Ticket.Status.WAIT_CUSTOMER: Badge(_("warten auf Kunde"), "warn", "hourglass"),
    Ticket.Status.CLARIFY: Badge(_("klären"), "violet", "help-circle"),
    Ticket.Status.CLOSED: Badge(_("abgeschlossen"), "neutral", "check"),
    Ticket.Status.TRASH: Badge(_("Papierkorb"), "neutral", "trash"),
}

_STATE = {
    OutgoingMessage.State.SCHEDULED: Badge(_("geplant"), "neutral", "calendar-clock"),
    OutgoingMessage.State.QUEUED: Badge(_("wartet"), "neutral", "clock"),
    OutgoingMessage.State.SENDING: Badge(_("sendet"), "info", "send"),
    OutgoingMessage.State.SENT: Badge(_("gesendet"), "ok", "check"),
    OutgoingMessage.State.RETRY: Badge(_("erneuter Versuch"), "warn", "refresh-cw"),
    OutgoingMessage.State.FAILED: Badge(_("fehlgeschlagen"), "err", "x-circle"),
    OutgoingMessage.State.UNCERTAIN: Badge(_("unklar"), "warn", "help-circle"),
    OutgoingMessage.State.BOUNCED: Badge(_("zurückgewiesen"), "err", "undo"),
    OutgoingMessage.State.CANCELLED: Badge(_("abgebrochen"), "neutral", "ban"),
}


def status_badge(status: str) -> Badge:
    return _STATUS[Ticket.Status(status)]


def state_badge(state: str) -> Badge:
    return _STATE[OutgoingMessage.State(state)]
