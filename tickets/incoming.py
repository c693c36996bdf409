"""What the ticket system is told about a mail that came, and what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailaccounts.models import MailAccount
from mailcore.automatic import Classification
from mailcore.bounces import Bounce
from mailcore.messages import ParsedMessage
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage
from tickets.models import Ticket, TicketMessage


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A stored mail on its way into a ticket."""

    account: MailAccount
    purpose: str  # MailFolder.Purpose
    message: StoredMessage
    parsed: ParsedMessage
    classification: Classification
    received_at: datetime
    bounce: Bounce | None = None  # what it says if it is a delivery report
    bounced: OutgoingMessage | None = None  # the message of ours the report is about
    is_stored_now: bool = False  # in this very transaction: nothing refers to it yet


@dataclass(frozen=True, slots=True)
class Received:
    """Where a mail went: nowhere (no tickets here, or our own mail), a ticket, a new ticket."""

    ticket: Ticket | None
    ticket_message: TicketMessage | None
    is_new: bool
    silent_rule: str = ""  # the rule that forbids the automatic answer
