from tickets.models.merge import TicketMerge
from tickets.models.message import ThreadId, TicketEvent, TicketMessage
from tickets.models.rule import Rule, RuleCondition
from tickets.models.ticket import Tag, Ticket

__all__ = [
    "Rule",
    "RuleCondition",
    "Tag",
    "ThreadId",
    "Ticket",
    "TicketEvent",
    "TicketMerge",
    "TicketMessage",
]
