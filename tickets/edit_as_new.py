"""An answer that is to go once more, corrected: the composer with everything that stood in it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from company.models import User
from company.rights import Right
from mailaccounts.signatures import Signature
from mailcore.messages import Mailbox, ParsedMessage
from mailcore.parse import parse
from mailstore.read import read_raw
from outbox.models import OutgoingMessage, Recipient
from tickets.composer_form import join_mailboxes
from tickets.models import Ticket, TicketMessage


def find_editor(outgoing: OutgoingMessage, user: User) -> str:
    """The address of the composer for this user; "" if it is no answer to a ticket of theirs."""
    if not user.may(Right.ANSWER_TICKETS):
        return ""
    answer = (
        TicketMessage.objects.filter(
            outgoing=outgoing,
            kind=TicketMessage.Kind.REPLY,
            ticket__in=Ticket.objects.visible_to(user),
        )
        .select_related("ticket")
        .first()
    )
    if answer is None:
        return ""
    return f"{reverse('tickets:reply', args=[answer.ticket.number])}?als_neu={answer.pk}"


def content_of(answer: TicketMessage, signature: Signature) -> dict[str, Any]:
    """The composer's values of an answer that was sent or was to be: people, subject, text, files.

    The quoted original is part of the text and not added again; the signature is taken off, as the
    composer puts one below.
    """
    outgoing, message = answer.outgoing, answer.message
    assert outgoing is not None
    assert message is not None
    parsed = parse(read_raw(message))
    files = message.attachments.exclude(is_inline=True, content_id__gt="")
    return {
        "sender": message.from_email,
        **{field: _people(outgoing, kind) for field, kind in _FIELDS.items()},
        "subject": message.subject,
        "text": _written(parsed, signature),
        "quote": False,
        "kept": [file.pk for file in files],
        "status_after": "",
        "replaces": answer.pk,
    }


def _written(parsed: ParsedMessage, signature: Signature) -> str:
    """What the author wrote: without the signature, where it is still the same."""
    if parsed.html:
        return (
            parsed.html.replace(f"<br><div>{signature.html}</div>", "")
            if signature.html
            else parsed.html
        )
    return parsed.text.replace(f"\n\n-- \n{signature.text}", "") if signature.text else parsed.text


_FIELDS = {"to": Recipient.Kind.TO, "cc": Recipient.Kind.CC, "bcc": Recipient.Kind.BCC}


def _people(outgoing: OutgoingMessage, kind: Recipient.Kind) -> str:
    rows = [one for one in outgoing.recipients.all() if one.kind == kind]
    return join_mailboxes([Mailbox(one.name, one.email) for one in rows])
