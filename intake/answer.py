"""What a mail sets going besides its ticket: the automatic answer, the copy for the archive mailbox."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from autoresponder.respond import BACKLOG, Question, respond
from mailaccounts.models import MailAccount
from mailcore.errors import InvalidDraft
from mailstore.store import hash_message_id
from outbox.enqueue import forward_unchanged
from outbox.models import OutgoingMessage
from tickets.add_autoresponse import add_autoresponse, describe_silence
from tickets.find_customer import find_customer
from tickets.incoming import IncomingMail, Received
from tickets.models import TicketEvent, TicketMessage

log = logging.getLogger(__name__)


def answer_mail(
    mail: IncomingMail, received: Received, *, own: frozenset[str], is_backlog: bool
) -> TicketEvent | None:
    """Queues the automatic answer inside the caller's transaction and shows it at the ticket.

    Only for accounts with an active autoresponder. Returns the history line to be saved where there
    is none: a backlog has thousands, saved together.
    """
    if mail.account.tickets_enabled and not _was_placed_now(mail, received):
        return None
    ticket = received.ticket
    if received.silent_rule or is_backlog:
        reason = f"Regel „{received.silent_rule}“." if received.silent_rule else BACKLOG
        return describe_silence(ticket=ticket, reason=reason) if ticket is not None else None
    account = mail.account
    sender = ticket.incoming_address if ticket and account.reply_from_incoming else ""
    customer = find_customer(mail.parsed, own)
    response = respond(
        Question(
            account=account,
            message=mail.message,
            parsed=mail.parsed,
            classification=mail.classification,
            received_at=mail.received_at,
            customer=customer,
            sender=sender or account.from_email,
            ticket_number=ticket.number if ticket else "",
            ticket_answers=_answers_in(received, customer.email),
        ),
        own_addresses=own,
    )
    if ticket is None:
        return None
    if response.outgoing is not None:
        add_autoresponse(ticket=ticket, outgoing=response.outgoing)
    elif response.suppressed:
        return describe_silence(ticket=ticket, reason=response.suppressed)
    return None


def forward_to_archive_mailbox(mail: IncomingMail) -> None:
    """Queues the unchanged mail for „Eingehende E-Mails weiterleiten an“, once.

    The same mail is not forwarded again: two accounts that forward to each other stop there. What it is
    known by, its Message-ID, writer and date, stays on the way; some programs repeat a Message-ID.
    """
    account = mail.account
    if _is_from_archive_mailbox(mail):
        return
    sending = account if account.smtp_enabled else _default_account()
    if sending is None:
        log.warning("account %s: no account may send the archive copies", account.pk)
        return
    is_known = OutgoingMessage.objects.filter(
        origin=OutgoingMessage.Origin.FORWARD,
        message__message_id_hash=mail.message.message_id_hash,
        message__from_email=mail.message.from_email,
        message__date=mail.message.date,
        recipients__email__iexact=account.archive_forward_to,
    ).exists()
    if is_known:
        return
    try:
        forward_unchanged(
            message=mail.message,
            to=account.archive_forward_to,
            account=sending,
            once_key=f"forward:{account.pk}:{mail.message.pk}",
        )
    except InvalidDraft as error:
        log.warning("account %s: archive copy not queued: %s", account.pk, error)


def _is_from_archive_mailbox(mail: IncomingMail) -> bool:
    """What it writes or returns is not sent to it again: a dead one would return that as well, for ever."""
    archive = mail.account.archive_forward_to.lower()
    writers = {one.email.lower() for one in mail.parsed.from_}
    if mail.bounce is None:
        return archive in writers
    refused = {one.address.lower() for one in mail.bounce.recipients}
    if not refused or archive in refused | writers:
        return True
    hashes = [hash_message_id(one_id) for one_id in mail.bounce.original_message_ids]
    copies = OutgoingMessage.objects.filter(
        origin=OutgoingMessage.Origin.FORWARD, message__message_id_hash__in=hashes
    )
    return copies.filter(recipients__email__iexact=archive).exists()


def _was_placed_now(mail: IncomingMail, received: Received) -> bool:
    """Not our own mail, and not one that stands in the ticket already from another way."""
    placed = received.ticket_message
    return placed is not None and placed.message_id == mail.message.pk


def _answers_in(received: Received, email: str) -> list[datetime] | None:
    """When this address got automatic answers in the ticket lately; a new one has none."""
    if received.ticket is None:
        return None
    if received.is_new:
        return []
    lately = timezone.now() - timedelta(days=1)
    return list(
        TicketMessage.objects.filter(
            ticket=received.ticket,
            kind=TicketMessage.Kind.AUTORESPONSE,
            outgoing__recipients__email__iexact=email,
            created_at__gt=lately,
        ).values_list("created_at", flat=True)
    )


def _default_account() -> MailAccount | None:
    return MailAccount.objects.kept().filter(is_default=True, smtp_enabled=True).first()
