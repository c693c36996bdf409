"""The search field of the ticket list: free words and operators such as `von:huber status:offen`."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q

from mailstore.search_text import matches
from outbox.models import Recipient
from tickets.models import Ticket, TicketMessage
from tickets.models.ticket import TicketQuerySet

_KEYS = "von|from|an|to|betreff|subject|status|nr|no|hat|has"
_TERM = re.compile(
    rf'(?:\b(?P<key>{_KEYS}):\s*)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]\S*)|$)', re.IGNORECASE
)
_MOST_TERMS = 12
_YES = ("anhang", "anhänge", "datei", "attachment")


def search_tickets(tickets: TicketQuerySet, text: str) -> TicketQuerySet:
    """The tickets in which every term is found. What is no known operator is a word."""
    for match in list(_TERM.finditer(text))[:_MOST_TERMS]:
        key = (match["key"] or "").casefold()
        value = (match["phrase"] or match["word"] or "").strip()
        if value:
            tickets = tickets.filter(_OPERATORS[key](value) if key else _anywhere(value))
    return tickets


def _in_messages(condition: Q) -> Exists:
    return Exists(TicketMessage.objects.filter(condition, ticket_id=OuterRef("pk")))


def _anywhere(word: str) -> Q:
    return (
        Q(number__startswith=word.lstrip("#"))
        | Q(subject__icontains=word)
        | Q(customer_name__icontains=word)
        | Q(customer_email__icontains=word)
        | Q(_in_messages(_text_of_message(word) | Q(note__icontains=word)))
    )


def _text_of_message(word: str) -> Q:
    return matches(word, message="message")


def _from(value: str) -> Q:
    sender = Q(message__from_email__icontains=value) | Q(message__from_name__icontains=value)
    return (
        Q(customer_email__icontains=value)
        | Q(customer_name__icontains=value)
        | Q(_in_messages(sender))
    )


def _to(value: str) -> Q:
    recipient = Exists(
        Recipient.objects.filter(
            Q(email__icontains=value) | Q(name__icontains=value),
            outgoing_id=OuterRef("outgoing_id"),
        )
    )
    return Q(incoming_address__icontains=value) | Q(_in_messages(Q(recipient)))


def _subject(value: str) -> Q:
    return Q(subject__icontains=value)


def _status(value: str) -> Q:
    """By the German word, also its beginning: `status:warten` means both kinds of waiting."""
    wanted = value.casefold()
    found = [
        status.value
        for status in Ticket.Status
        if status.value == wanted or str(status.label).casefold().startswith(wanted)
    ]
    return Q(status__in=found)


def _number(value: str) -> Q:
    return Q(number__startswith=value.lstrip("#"))


def _has(value: str) -> Q:
    return Q(has_attachments=True) if value.casefold() in _YES else _anywhere(f"hat:{value}")


_OPERATORS: dict[str, Callable[[str], Q]] = {
    "von": _from,
    "from": _from,
    "an": _to,
    "to": _to,
    "betreff": _subject,
    "subject": _subject,
    "status": _status,
    "nr": _number,
    "no": _number,
    "hat": _has,
    "has": _has,
}
