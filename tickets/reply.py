"""Answering a ticket: sender, subject, threading headers, signature, quote; then the one way out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.models import CompanySettings, User
from mailaccounts.compose_body import Body, Quoted, compose_body
from mailaccounts.senders import NoAccountForSender, SenderChoice, may_send_as
from mailaccounts.signatures import choose_signature, signature_values
from mailcore.errors import InvalidDraft, TooLarge
from mailcore.messages import Draft, FilePart, Mailbox, ParsedMessage
from mailcore.parse import parse
from mailcore.placeholders import fill, unknown
from mailcore.recipients import split_address
from mailcore.threading import (
    new_message_id,
    normalise_subject,
    reply_subject,
    trim_references,
)
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.enqueue import enqueue, too_large_text
from outbox.models import OutgoingMessage
from tickets.change import change
from tickets.models import ThreadId, Ticket, TicketMessage
from tickets.quote import quote_original
from tickets.reply_defaults import (
    DefaultRecipients,
    default_recipients,
    default_sender,
    newest_mail,
    vouched_addresses,
)

__all__ = [
    "DefaultRecipients",
    "ReplyContent",
    "ReplyRefused",
    "default_recipients",
    "default_sender",
    "reply",
]

_FORWARDED = re.compile(r"\s*(wg|fwd?)\s*:", re.IGNORECASE)


class ReplyRefused(Exception):
    """An answer cannot be sent like this. `field` names the value of ReplyContent, `text` is German."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


@dataclass(frozen=True, slots=True)
class ReplyContent:
    """What somebody wrote. With `html` empty the mail is plain text; `status_after` "" keeps it."""

    sender_email: str
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    subject: str = ""  # empty: the ticket's
    text: str = ""
    html: str = ""
    files: tuple[FilePart, ...] = ()
    status_after: str = Ticket.Status.WAIT_CUSTOMER
    quotes_original: bool = False
    send_at: datetime | None = None  # None: after the author's undo time
    replaces: OutgoingMessage | None = None  # the mail that is sent anew, corrected


@dataclass(frozen=True, slots=True)
class _Original:
    """The mail that is answered."""

    message: StoredMessage
    parsed: ParsedMessage


def reply(*, ticket: Ticket, author: User, content: ReplyContent, once_key: str) -> TicketMessage:
    """Queues the answer and notes it at the ticket. The same `once_key` gives the message that exists.

    1. sender and variables are checked, 2. the mail is made, 3. one transaction queues it, adds it to
    the conversation and sets the status. Raises ReplyRefused; then nothing has happened.
    """
    existing = TicketMessage.objects.filter(outgoing__once_key=once_key).first()
    if existing:
        return existing
    choice = _choose_sender(ticket, author, content)
    draft = _draft(ticket, author, content, choice)
    now = timezone.now()
    try:
        with transaction.atomic(durable=True):
            outgoing = enqueue(
                draft=draft,
                bcc=content.bcc,
                account=choice.account,
                origin=OutgoingMessage.Origin.TICKET,
                once_key=once_key,
                created_by=author,
                sender_reason=choice.reason,
                address=ticket.address,
                send_at=content.send_at or _end_of_undo_time(author, now),
                replaces=content.replaces,
            )
            return _note(ticket, author, content, outgoing, now)
    except InvalidDraft as error:
        raise _explain(error) from error


def _choose_sender(ticket: Ticket, author: User, content: ReplyContent) -> SenderChoice:
    try:
        return may_send_as(author, content.sender_email, known=vouched_addresses(ticket))
    except NoAccountForSender as error:
        raise ReplyRefused("sender_email", error.text) from error


def _draft(ticket: Ticket, author: User, content: ReplyContent, choice: SenderChoice) -> Draft:
    original = _read_original(ticket)
    subject = _subject(ticket, content.subject)
    body = _body(ticket, author, content, choice, original)
    references: tuple[str, ...] = ()
    in_reply_to = ""
    if original and not _FORWARDED.match(content.subject):
        in_reply_to = original.parsed.message_id
        references = trim_references((*original.parsed.references, in_reply_to))
    return Draft(
        from_=Mailbox(choice.name, choice.email),
        to=content.to,
        cc=content.cc,
        subject=subject,
        text=body.text,
        html=body.html,
        message_id=_message_id(ticket, choice),
        in_reply_to=in_reply_to,
        references=references,
        files=(*body.files, *content.files),
    )


def _read_original(ticket: Ticket) -> _Original | None:
    """The mail that is answered, read from its bytes; without them by what is known of it."""
    message = newest_mail(ticket)
    if message is None:
        return None
    try:
        parsed = parse(read_raw(message), received_at=message.received_at)
    except (OSError, ValueError):
        parsed = ParsedMessage(message_id=message.message_id, text=message.text)
    return _Original(message, parsed)


def _subject(ticket: Ticket, written: str) -> str:
    """`Re: [Ticket#N] …`, or `WG: [Ticket#N] …` where it was written so."""
    subject = reply_subject(written or ticket.subject, ticket.number)
    if _FORWARDED.match(written):
        return f"WG: {normalise_subject(subject)}"
    return subject


def _body(
    ticket: Ticket,
    author: User,
    content: ReplyContent,
    choice: SenderChoice,
    original: _Original | None,
) -> Body:
    employee = author.find_employee()
    values = {
        **signature_values(employee),
        "TICKET": ticket.number,
        "BETREFF": normalise_subject(content.subject or ticket.subject),
        "NAME": ticket.customer_name or (ticket.address.name if ticket.address else ""),
        "ANREDE": ticket.address.salutation if ticket.address else "",
    }
    unresolved = unknown(content.html or content.text, {*values, "SIGNATUR"})
    if unresolved:
        names = ", ".join(f"{{{name}}}" for name in unresolved)
        raise ReplyRefused(
            "text",
            _("Der Text enthält Platzhalter, die niemand ausfüllt: %(names)s.") % {"names": names},
        )
    if not (content.html or content.text).strip() and not content.files:
        raise ReplyRefused("text", _("Die Antwort ist noch leer."))
    quoted: Quoted | None = None
    if content.quotes_original and original:
        quoted = quote_original(original.message, original.parsed)
    template = ticket.project.mail_template if ticket.project else ""
    return compose_body(
        text=fill(content.text, values, escape=False),
        html=fill(content.html, values, escape=True),
        signature=choose_signature(
            account=choice.account, project=ticket.project, employee=employee
        ),
        quoted=quoted,
        template=template or CompanySettings.load().mail_template,
    )


def _message_id(ticket: Ticket, choice: SenderChoice) -> str:
    parts = split_address(choice.email)
    if parts is None:
        raise ReplyRefused("sender_email", str(_REASONS["bad-address"]))
    return new_message_id(
        parts[1], keys=message_id_keys(), token=f"t{ticket.number}-{uuid4().hex[:16]}"
    )


def _end_of_undo_time(author: User, now: datetime) -> datetime | None:
    return now + timedelta(seconds=author.undo_seconds) if author.undo_seconds else None


def _note(
    ticket: Ticket, author: User, content: ReplyContent, outgoing: OutgoingMessage, now: datetime
) -> TicketMessage:
    """The answer in the conversation; the ticket waits for nobody's answer any more."""
    ticket_message, is_new = TicketMessage.objects.get_or_create(
        outgoing=outgoing,
        defaults={
            "ticket": ticket,
            "kind": TicketMessage.Kind.REPLY,
            "account": outgoing.account,
            "message": outgoing.message,
            "author": author,
            "created_at": now,
        },
    )
    if not is_new:
        return ticket_message
    ThreadId.objects.get_or_create(
        ticket=ticket,
        message_id_hash=outgoing.message.message_id_hash,
        defaults={"account": outgoing.account},
    )
    ticket.preview = outgoing.message.preview
    ticket.last_message_at = now
    ticket.waiting_since = None
    ticket.has_attachments = ticket.has_attachments or outgoing.message.has_attachments
    ticket.save(
        update_fields=[
            "preview",
            "last_message_at",
            "waiting_since",
            "has_attachments",
            "updated_at",
        ]
    )
    if content.status_after:
        change(ticket=ticket, actor=author, status=content.status_after)
    return ticket_message


_REASONS = {
    "line-break": gettext_lazy("Zeilenumbrüche sind hier nicht erlaubt."),
    "bad-address": gettext_lazy("Diese E-Mail-Adresse ist ungültig."),
    "no-recipient": gettext_lazy(
        "Bitte geben Sie mindestens einen Empfänger unter „An“ oder „CC“ an."
    ),
}
_FIELDS = {"from": "sender_email", "Subject": "subject", "subject": "subject"}


def _explain(error: InvalidDraft) -> ReplyRefused:
    field = _FIELDS.get(error.field, error.field)
    if isinstance(error, TooLarge):
        return ReplyRefused("files", too_large_text(error))
    text = str(_REASONS.get(error.reason, "")) or _("So kann die E-Mail nicht gesendet werden.")
    return ReplyRefused(field, text)
