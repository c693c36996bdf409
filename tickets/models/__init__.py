from tickets.models.message import ThreadId, TicketEvent, TicketMessage
from tickets.models.ticket import Tag, Ticket

__all__ = ["Tag", "ThreadId", "Ticket", "TicketEvent", "TicketMessage"]
