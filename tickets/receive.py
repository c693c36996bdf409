"""Mail becomes tickets: it joins the conversation it belongs to or begins a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from company.rows import insert_rows
from mailaccounts.models import MailAccount, MailFolder
from mailaccounts.own_addresses import SendableAddresses, own_addresses, sendable_addresses
from mailcore.automatic import Classification
from mailcore.messages import ParsedMessage
from mailcore.threading import normalise_subject
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage
from tickets.find_customer import AddressBook, find_customer
from tickets.find_thread import Found, ThreadFinder
from tickets.incoming import IncomingMail, Received
from tickets.models import Ticket, TicketEvent, TicketMessage
from tickets.numbers import NumberBlock
from tickets.rules import Outcome, apply_rules, facts_of, load_rules
from tickets.run_rules import add_tags, change_joined, note_rules, shape_new
from tickets.tell_writer import tell_writer
from tickets.thread_ids import keep_thread_ids
from tickets.update_ticket import describe_delivery, join_tickets

__all__ = ["IncomingMail", "Received", "receive", "receive_group"]

_NOWHERE = Received(None, None, False)


def receive(
    *,
    account: MailAccount,
    purpose: str,
    message: StoredMessage,
    parsed: ParsedMessage,
    classification: Classification,
    received_at: datetime,
) -> Received:
    """Puts one stored mail into its ticket, see receive_group."""
    mail = IncomingMail(account, purpose, message, parsed, classification, received_at)
    return receive_group([mail])[0]


def receive_group(
    mails: Sequence[IncomingMail],
    *,
    own: frozenset[str] | None = None,
    numbers: NumberBlock | None = None,
) -> list[Received]:
    """Puts stored mails into tickets inside the caller's transaction; safe to repeat.

    The rules are those of find_thread. `own` are our addresses (looked up if not given); `numbers`
    a block reserved before the transaction, so that workers do not wait for each other.
    """
    wanted = [mail for mail in mails if _makes_tickets(mail)]
    if not wanted:
        return [_NOWHERE] * len(mails)
    work = _Work(wanted, own if own is not None else own_addresses(), numbers or NumberBlock())
    results = [work.take(mail) if _makes_tickets(mail) else _NOWHERE for mail in mails]
    work.save()
    return results


def _makes_tickets(mail: IncomingMail) -> bool:
    return mail.account.tickets_enabled and mail.purpose == MailFolder.Purpose.TICKETS


@dataclass(slots=True)
class _Rows:
    """What a group writes, in a few statements at the end."""

    tickets: list[Ticket] = field(default_factory=list)
    messages: list[TicketMessage] = field(default_factory=list)
    events: list[TicketEvent] = field(default_factory=list)
    joined: list[tuple[Ticket, IncomingMail]] = field(default_factory=list)
    placed: list[tuple[Ticket, IncomingMail]] = field(default_factory=list)
    ruled: list[tuple[Ticket, Outcome]] = field(default_factory=list)  # joined, with their rules
    tags: list[tuple[Ticket, int]] = field(default_factory=list)
    letters: list[tuple[Ticket, OutgoingMessage]] = field(default_factory=list)


class _Work:
    def __init__(
        self, mails: Sequence[IncomingMail], own: frozenset[str], numbers: NumberBlock
    ) -> None:
        self._own = own
        self._numbers = numbers
        self._now = timezone.now()
        self._finder = ThreadFinder(mails, own=own)
        self._rules = load_rules()
        self._present = _find_present(mails)
        self._sendable = sendable_addresses(
            {mail.account.pk: mail.account for mail in mails}.values()
        )
        customers = (find_customer(mail.parsed, own).email for mail in mails)
        replies = (one.email for mail in mails for one in mail.parsed.reply_to)
        self._addresses = AddressBook((*customers, *replies))
        self._rows = _Rows()

    def take(self, mail: IncomingMail) -> Received:
        """Decides about one mail; nothing is written yet."""
        present = self._present.get((mail.account.pk, mail.message.pk))
        if present is not None:
            return Received(present.ticket, present, False)
        if self._finder.is_ours(mail):
            return _NOWHERE
        found = self._finder.find(mail)
        if found.same_mail is not None:
            return self._note_same_mail(mail, found.same_mail)
        if found.ticket is None and mail.bounced is not None:
            return _NOWHERE
        is_new = found.ticket is None
        outcome = self._ask_rules(mail, is_new=is_new)
        if outcome.ignores:
            return _NOWHERE
        ticket = found.ticket or self._open_ticket(mail, found, outcome)
        if found.letter is not None:
            self._take_in(found.letter, ticket)
        ticket_message = self._place(mail, ticket, is_new=is_new)
        if outcome.rules:
            self._rows.tags += [(ticket, tag) for tag in outcome.tags]
            if not is_new:
                self._rows.ruled.append((ticket, outcome))
        return Received(ticket, ticket_message, is_new, outcome.silent)

    def save(self) -> None:
        rows = self._rows
        insert_rows(rows.tickets)
        insert_rows(rows.messages)
        keep_thread_ids(rows.placed)
        rows.events += join_tickets(rows.joined, self._now)
        for ticket, outcome in rows.ruled:
            rows.events += change_joined(ticket, outcome, self._now)
        add_tags(rows.tags)
        insert_rows(rows.events)
        for ticket, letter in rows.letters:
            tell_writer(ticket, letter)

    def _note_same_mail(self, mail: IncomingMail, same: TicketMessage) -> Received:
        """It came again, to this mailbox or another one; the conversation shows it once."""
        if same.account_id != mail.account.pk:
            self._note(same.ticket, f"Dieselbe E-Mail kam auch an {mail.account.email} an.")
        return Received(same.ticket, same, False)

    def _ask_rules(self, mail: IncomingMail, *, is_new: bool) -> Outcome:
        """Delivery reports about our own mail are not for rules: nobody may lose them."""
        if not self._rules or mail.bounced is not None:
            return Outcome()
        account = mail.account.pk
        return apply_rules(self._rules, facts_of(mail.parsed), account_id=account, is_new=is_new)

    def _open_ticket(self, mail: IncomingMail, found: Found, outcome: Outcome) -> Ticket:
        ticket = self._new_ticket(mail)
        shape_new(ticket, outcome, self._now)
        self._rows.tickets.append(ticket)
        sender = ticket.customer_email or "unbekanntem Absender"
        text = f"Aus der E-Mail von {sender} an {ticket.incoming_address} angelegt."
        self._note(ticket, text, TicketEvent.Kind.CREATED)
        self._rows.events += note_rules(ticket, outcome, self._now)
        if found.related is not None:
            ticket.maybe_answers = found.related if found.is_guess else None
            self._note(ticket, found.relation.format(number=found.related.number))
            text = f"Eine mögliche Antwort hierauf steht in Ticket #{ticket.number}."
            self._note(found.related, text)
        if found.letter is not None:
            ticket.address = found.letter.address or ticket.address
        for twin in found.twins:
            self._note(ticket, f"Dieselbe E-Mail steht auch in Ticket #{twin.number}.")
            self._note(twin, f"Dieselbe E-Mail steht auch in Ticket #{ticket.number}.")
        return ticket

    def _take_in(self, letter: OutgoingMessage, ticket: Ticket) -> None:
        """The ticket begins with the letter or document mail of ours that is answered."""
        sent_at = letter.sent_at or letter.created_at
        self._rows.messages.append(
            TicketMessage(
                ticket=ticket,
                kind=TicketMessage.Kind.REPLY,
                account_id=letter.account_id,
                message=letter.message,
                outgoing=letter,
                author=letter.created_by,
                created_at=sent_at,
            )
        )
        day = f"{timezone.localtime(sent_at):%d.%m.%Y}"
        self._note(ticket, f"Antwort auf unsere E-Mail „{letter.message.subject}“ vom {day}.")
        self._rows.letters.append((ticket, letter))
        self._finder.learn_letter(letter, ticket)

    def _new_ticket(self, mail: IncomingMail) -> Ticket:
        customer = find_customer(mail.parsed, self._own)
        replies = (one.email for one in mail.parsed.reply_to)
        is_closed = mail.account.close_tickets
        message = mail.message
        return Ticket(
            number=self._numbers.take(),
            subject=normalise_subject(mail.parsed.subject)[:998],
            status=Ticket.Status.CLOSED if is_closed else Ticket.Status.NEW,
            account=mail.account,
            queue_id=mail.account.queue_id,
            project_id=mail.account.project_id,
            address=self._addresses.find((customer.email, *replies)),
            customer_name=customer.name[:320],
            customer_email=customer.email[:320],
            incoming_address=_incoming_address(mail, self._sendable[mail.account.pk]),
            preview=message.preview,
            has_attachments=message.has_attachments,
            waiting_since=None if is_closed else mail.received_at,
            last_message_at=mail.received_at,
            created_at=mail.received_at,
            closed_at=self._now if is_closed else None,
        )

    def _place(self, mail: IncomingMail, ticket: Ticket, *, is_new: bool) -> TicketMessage:
        ticket_message = TicketMessage(
            ticket=ticket,
            kind=TicketMessage.Kind.INCOMING,
            account=mail.account,
            message=mail.message,
            created_at=mail.received_at,
        )
        self._rows.messages.append(ticket_message)
        self._rows.placed.append((ticket, mail))
        if not is_new:
            self._rows.joined.append((ticket, mail))
        if mail.bounce is not None:
            for text in describe_delivery(mail.bounce):
                self._note(ticket, text, TicketEvent.Kind.DELIVERY)
        self._present[mail.account.pk, mail.message.pk] = ticket_message
        self._finder.learn(ticket_message, mail)
        return ticket_message

    def _note(
        self, ticket: Ticket, text: str, kind: TicketEvent.Kind = TicketEvent.Kind.HINT
    ) -> None:
        self._rows.events.append(
            TicketEvent(ticket=ticket, kind=kind, text=text[:500], created_at=self._now)
        )


def _find_present(mails: Sequence[IncomingMail]) -> dict[tuple[int, int], TicketMessage]:
    """What stands in tickets already: a group that is repeated changes nothing."""
    mails = [mail for mail in mails if not mail.is_stored_now]
    if not mails:
        return {}
    found = TicketMessage.objects.filter(
        account__in={mail.account.pk for mail in mails},
        message__in={mail.message.pk for mail in mails},
        kind=TicketMessage.Kind.INCOMING,
    ).select_related("ticket")
    return {
        (one.account_id, one.message_id): one
        for one in found
        if one.account_id is not None and one.message_id is not None
    }


def _incoming_address(mail: IncomingMail, sendable: SendableAddresses) -> str:
    """Our address the mail was written to: an alias where the account may answer as it."""
    parsed = mail.parsed
    named = (*(one.email for one in (*parsed.to, *parsed.cc)), *parsed.delivered_to)
    return next(
        (email.lower() for email in named if email and sendable.includes(email)),
        mail.account.email.lower(),
    )[:320]
