"""Questions answered inside an installation's own settings: a JSON line [NAME, …] in, one out.

`python -m tests.flows.inside PORT`: who asks listens there.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")
django.setup()

from company.models import User  # noqa: E402
from intake.models import IntakeItem  # noqa: E402
from mailcore.messages import Mailbox  # noqa: E402
from outbox.models import OutgoingMessage  # noqa: E402
from tests.servers.free_port import LOOPBACK  # noqa: E402
from tickets.models import Ticket, TicketMessage  # noqa: E402
from tickets.reply import ReplyContent, reply  # noqa: E402
from tickets.reply_defaults import default_sender  # noqa: E402

Answer = dict[str, list[str]]


def received() -> Answer:
    """Message-IDs of the mails in tickets, once per ticket message, and open ledger rows."""
    found = TicketMessage.objects.filter(kind=TicketMessage.Kind.INCOMING)
    return {
        "message_ids": list(found.values_list("message__message_id", flat=True)),
        "open": [
            str(item)
            for item in IntakeItem.objects.filter(state=IntakeItem.State.NOTED).select_related(
                "folder"
            )
        ],
        "bad": [str(i) for i in IntakeItem.objects.filter(state=IntakeItem.State.QUARANTINED)],
        "empty_tickets": [str(t) for t in Ticket.objects.filter(messages=None)],
    }


def outgoing() -> Answer:
    """Message-IDs by state."""
    answer: Answer = {}
    for state, message_id in OutgoingMessage.objects.values_list("state", "message__message_id"):
        answer.setdefault(state, []).append(message_id)
    return answer


def answer_tickets(count: str, recipient: str, key: str) -> Answer:
    """Support answers the newest tickets; „{n}“ in the recipient is replaced by the answer's number."""
    user = User.objects.get(username="petra")
    tickets = list(Ticket.objects.order_by("-last_message_at", "-pk")[: int(count)])
    ids = []
    for n in range(int(count)):
        ticket = tickets[n % len(tickets)]
        content = ReplyContent(
            sender_email=default_sender(ticket, user).email,
            to=(Mailbox("", recipient.replace("{n}", str(n))),),
            text=f"Antwort {key} {n}",
        )
        message = reply(ticket=ticket, author=user, content=content, once_key=f"{key}-{n}").message
        assert message is not None
        ids.append(message.message_id)
    return {"message_ids": ids, "tickets": [ticket.number for ticket in tickets]}


def conversation(number: str) -> Answer:
    """Kind and Message-ID of everything in a ticket, its status, queue and project."""
    ticket = Ticket.objects.select_related("queue", "project").get(number=number)
    return {
        "messages": [
            f"{m.kind} {m.message.message_id if m.message else ''}"
            for m in ticket.messages.select_related("message")
        ],
        "ticket": [ticket.status, str(ticket.queue), str(ticket.project)],
    }


def ticket_of(message_id: str) -> Answer:
    """The number of the ticket a received mail is in."""
    found = TicketMessage.objects.filter(message__message_id=message_id, kind="in")
    return {"numbers": [m.ticket.number for m in found.select_related("ticket")]}


QUESTIONS: dict[str, Callable[..., Answer]] = {
    "received": received,
    "outgoing": outgoing,
    "answer_tickets": answer_tickets,
    "conversation": conversation,
    "ticket_of": ticket_of,
}

if __name__ == "__main__":
    asking = socket.create_connection((LOOPBACK, int(sys.argv[1])))
    with asking, asking.makefile() as questions, asking.makefile("w") as answers:
        for line in questions:
            name, *arguments = json.loads(line)
            print(json.dumps(QUESTIONS[name](*arguments)), file=answers, flush=True)
