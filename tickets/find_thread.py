"""Which ticket a mail belongs to, by its ids and its subject. The order of the rules is the contract:

1. an id of ours, signed, that it answers; 2. any id known to the tickets of its account, also one
that was only referred to so far; 3. what a bounce encloses; 4. the number in the subject, only from
a participant. Ids count from In-Reply-To, then References from right to left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from company.models import Queue
from mailaccounts.models import MailAccount
from mailaccounts.own_addresses import is_of_us
from mailcore.threading import (
    candidate_ids,
    find_ticket_hooks,
    normalise_subject,
    read_own_message_id,
)
from mailstore.ids import message_id_keys
from mailstore.store import hash_message_id
from outbox.models import OutgoingMessage
from tickets.find_customer import AddressBook
from tickets.find_letter import LetterFinder
from tickets.incoming import IncomingMail
from tickets.models import ThreadId, Ticket, TicketMessage

_CHUNK = 500  # SQLite bounds the parameters of one statement
_MERGE_STEPS = 20
_WRITTEN = ("from", "to", "cc", "reply_to")  # people as the writer named them


@dataclass(frozen=True, slots=True)
class Found:
    """The ticket to join, or why there is none."""

    ticket: Ticket | None = None
    same_mail: TicketMessage | None = None  # stands in the ticket already
    related: Ticket | None = None  # not joined, but to be pointed at …
    relation: str = ""  # … with this German sentence, {number} to be filled in
    is_guess: bool = False  # only the number in the subject points there
    twins: tuple[Ticket, ...] = ()  # the same mail, taken over by other accounts
    letter: OutgoingMessage | None = None  # what it answers, in no ticket so far


@dataclass(slots=True)
class _Known:
    ticket: Ticket
    account_id: int | None
    is_seen: bool


@dataclass(slots=True)
class _Lookups:
    answered: dict[str, Ticket] = field(default_factory=dict)  # by hashes of ids we sent
    known: dict[str, list[_Known]] = field(default_factory=dict)
    numbered: dict[str, Ticket] = field(default_factory=dict)
    same: dict[str, list[TicketMessage]] = field(default_factory=dict)  # by Message-ID


def answered_ids(mail: IncomingMail) -> tuple[str, ...]:
    """The ids a mail may answer, nearest first, those a bounce encloses at the end."""
    enclosed = mail.bounce.original_message_ids if mail.bounce else ()
    return tuple(dict.fromkeys((*candidate_ids(mail.parsed), *enclosed)))


class ThreadFinder:
    """Looks up the tickets of a group of mails with a fixed number of queries."""

    def __init__(self, mails: Sequence[IncomingMail], *, own: frozenset[str]) -> None:
        self._own = own
        self._keys = message_id_keys()
        self._tickets: dict[int, Ticket] = {}
        self._personal: frozenset[int] | None = None
        self._lookups = _Lookups()
        self._load(mails)

    def is_ours(self, mail: IncomingMail) -> bool:
        """Whether we sent this mail ourselves: a Sent copy or a loop."""
        return read_own_message_id(mail.parsed.message_id, keys=self._keys) is not None

    def find(self, mail: IncomingMail) -> Found:
        """The ticket this mail belongs to. Tickets of earlier mails of the group count, see `learn`."""
        if mail.bounced is not None:
            return self._find_bounced(mail.bounced)
        same = self._find_same_mail(mail)
        twins = self._find_twins(mail)
        if same is not None and same.account_id == mail.account.pk:
            return Found(self._target(same.ticket), same_mail=same)
        letter = self._letters.find(mail, answered_ids(mail), of_tickets=self._lookups.answered)
        if letter is not None:
            return Found(letter=letter, twins=twins)
        ticket = self._find_by_ids(mail)
        if ticket is not None:
            return self._judge(mail, self._target(ticket), same, twins)
        return self._find_by_number(mail, twins)

    def learn(self, ticket_message: TicketMessage, mail: IncomingMail) -> None:
        """The mail stands in a ticket now; later mails of the group may answer it."""
        own = hash_message_id(mail.parsed.message_id)
        self._lookups.same.setdefault(own, []).append(ticket_message)
        for hashed in {own, *map(hash_message_id, answered_ids(mail) if not mail.bounce else ())}:
            self._lookups.known.setdefault(hashed, []).append(
                _Known(ticket_message.ticket, mail.account.pk, hashed == own)
            )

    def learn_letter(self, letter: OutgoingMessage, ticket: Ticket) -> None:
        """The letter stands in a ticket now, with its first answer; more may follow."""
        self._lookups.answered[letter.message.message_id_hash] = ticket
        self._letters.forget(letter)

    def _load(self, mails: Sequence[IncomingMail]) -> None:
        own = {hash_message_id(mail.parsed.message_id) for mail in mails}
        answered = {one_id for mail in mails for one_id in answered_ids(mail)}
        ours = [i for i in answered if read_own_message_id(i, keys=self._keys) is not None]
        numbers = {n for mail in mails for n in find_ticket_hooks(mail.parsed.subject)}
        rows = list(_thread_rows(own | {hash_message_id(one_id) for one_id in answered}))
        ours_hashed = {hash_message_id(one_id) for one_id in ours}
        sent = list(_sent_rows(ours_hashed))
        self._letters = LetterFinder(_chunks(ours_hashed - {hashed for hashed, _ in sent}))
        by_number = list(_chunked_numbers(numbers))
        self._load_tickets({row.ticket_id for row in rows} | {pk for _, pk in (*sent, *by_number)})
        for row in rows:
            self._lookups.known.setdefault(row.message_id_hash, []).append(
                _Known(self._tickets[row.ticket_id], row.account_id, row.is_seen)
            )
        self._lookups.answered = {hashed: self._tickets[pk] for hashed, pk in sent}
        self._lookups.numbered = {number: self._tickets[pk] for number, pk in by_number}
        seen = {row.message_id_hash for row in rows if row.is_seen} & own
        for ticket_message in _messages_with(seen):
            ticket_message.ticket = self._ticket(ticket_message.ticket_id)
            assert ticket_message.message is not None
            self._lookups.same.setdefault(ticket_message.message.message_id_hash, []).append(
                ticket_message
            )

    def _load_tickets(self, pks: Iterable[int]) -> None:
        missing = sorted(set(pks) - self._tickets.keys())
        for start in range(0, len(missing), _CHUNK):
            found = Ticket.objects.select_related("queue").in_bulk(missing[start : start + _CHUNK])
            self._tickets.update(found)

    def _ticket(self, pk: int) -> Ticket:
        self._load_tickets([pk])
        return self._tickets[pk]

    def _target(self, ticket: Ticket) -> Ticket:
        """Where mail to a merged ticket goes."""
        for _ in range(_MERGE_STEPS):
            if ticket.merged_into_id is None:
                break
            ticket = self._ticket(ticket.merged_into_id)
        return ticket

    def _find_bounced(self, outgoing: OutgoingMessage) -> Found:
        """The ticket our message was sent from; none for documents and letters."""
        pk = (
            TicketMessage.objects.filter(outgoing=outgoing)
            .values_list("ticket_id", flat=True)
            .first()
        )
        return Found(None if pk is None else self._target(self._ticket(pk)))

    def _find_same_mail(self, mail: IncomingMail) -> TicketMessage | None:
        """The same mail, arrived before by another way; a repeated Message-ID alone proves nothing."""
        hashed = hash_message_id(mail.parsed.message_id)
        found = [one for one in self._lookups.same.get(hashed, ()) if _is_same_mail(one, mail)]
        own = [one for one in found if one.account_id == mail.account.pk]
        return next(iter(own or found), None)

    def _find_twins(self, mail: IncomingMail) -> tuple[Ticket, ...]:
        hashed = hash_message_id(mail.parsed.message_id)
        return tuple(
            one.ticket
            for one in self._lookups.same.get(hashed, ())
            if one.account_id != mail.account.pk and _is_same_mail(one, mail)
        )

    def _find_by_ids(self, mail: IncomingMail) -> Ticket | None:
        hashes = [hash_message_id(one_id) for one_id in answered_ids(mail)]
        for hashed in hashes:
            if hashed in self._lookups.answered:
                return self._lookups.answered[hashed]
        for hashed in hashes:
            known = [one for one in self._lookups.known.get(hashed, ()) if _counts(one, mail)]
            if known:
                return known[-1].ticket
        own = hash_message_id(mail.parsed.message_id)
        for one in self._lookups.known.get(own, ()):
            if not one.is_seen and _counts(one, mail):
                return one.ticket  # its answer was here first
        return None

    def _judge(
        self,
        mail: IncomingMail,
        ticket: Ticket,
        same: TicketMessage | None,
        twins: tuple[Ticket, ...],
    ) -> Found:
        """Whether the mail may join the ticket its ids point at."""
        if not self._may_join(mail, ticket):
            return Found(related=ticket, relation="Antwort auf Ticket #{number}.", twins=twins)
        if same is not None and self._target(same.ticket) is ticket:
            return Found(ticket, same_mail=same)
        is_notice = mail.classification.is_absence or mail.bounce is not None
        if (
            ticket.status == Ticket.Status.CLOSED
            and ticket.queue is not None
            and ticket.queue.answer_to_closed == Queue.AnswerToClosed.NEW
            and not is_notice
        ):
            relation = "Antwort auf das abgeschlossene Ticket #{number}."
            return Found(related=ticket, relation=relation, twins=twins)
        return Found(ticket)

    def _find_by_number(self, mail: IncomingMail, twins: tuple[Ticket, ...]) -> Found:
        for number in find_ticket_hooks(mail.parsed.subject):
            named = self._lookups.numbered.get(number)
            if named is None:
                continue
            ticket = self._target(named)
            if self._may_join(mail, ticket) and _is_participant(mail, ticket, self._own):
                return self._judge(mail, ticket, None, twins)
            relation = "Möglicherweise Antwort auf Ticket #{number}."
            return Found(related=ticket, relation=relation, is_guess=True, twins=twins)
        return Found(twins=twins)

    def _may_join(self, mail: IncomingMail, ticket: Ticket) -> bool:
        """Mail of a personal account stays with it, and mail of others stays out of it."""
        if ticket.account_id is None or ticket.account_id == mail.account.pk:
            return True
        if self._personal is None:
            self._personal = frozenset(
                MailAccount.objects.restricted().values_list("pk", flat=True)
            )
        return not {ticket.account_id, mail.account.pk} & self._personal


def _counts(known: _Known, mail: IncomingMail) -> bool:
    return known.account_id in (None, mail.account.pk)


def _is_same_mail(ticket_message: TicketMessage, mail: IncomingMail) -> bool:
    """Some programs give all their mails one Message-ID: the rest must agree as well.

    The bytes may differ, by the way a mail took; what a person reads and opens may not.
    """
    stored = ticket_message.message
    if stored is None or ticket_message.kind != TicketMessage.Kind.INCOMING:
        return False
    if (
        stored.from_email != mail.message.from_email
        or normalise_subject(stored.subject) != normalise_subject(mail.message.subject)
        or stored.date != mail.message.date
        or stored.has_html != mail.message.has_html
        or any(stored.people.get(key) != mail.message.people.get(key) for key in _WRITTEN)
    ):
        return False
    files = {attachment.sha256 for attachment in mail.parsed.attachments}
    return stored.text == mail.message.text and files == set(
        stored.attachments.values_list("sha256", flat=True)
    )


def _is_participant(mail: IncomingMail, ticket: Ticket, own: frozenset[str]) -> bool:
    """Whether the sender has written in this ticket, was written to, or is of the same address.

    A contact form that writes as us is in all its tickets: who filled it in counts.
    """
    written = {
        one.email.lower() for one in (*mail.parsed.from_, *mail.parsed.reply_to) if one.email
    }
    senders = {email for email in written if not is_of_us(email, own)} or written
    if ticket.customer_email.lower() in senders:
        return True
    people: set[str] = set()
    messages = TicketMessage.objects.filter(ticket_id=ticket.pk, message__isnull=False)
    for from_email, written in messages.values_list("message__from_email", "message__people"):
        people.add(from_email)
        people |= {email for key in ("to", "cc") for _, email in written.get(key, ())}
    people -= {mail.account.email.lower()}
    if senders & people:
        return True
    if ticket.address_id is None:
        return False
    address = AddressBook(senders).find(senders)
    return address is not None and address.pk == ticket.address_id


def _thread_rows(hashes: Iterable[str]) -> Iterable[ThreadId]:
    for chunk in _chunks(hashes):
        yield from ThreadId.objects.filter(message_id_hash__in=chunk).order_by("is_seen", "pk")


def _sent_rows(hashes: Iterable[str]) -> Iterable[tuple[str, int]]:
    for chunk in _chunks(hashes):
        yield from TicketMessage.objects.filter(
            message__message_id_hash__in=chunk, outgoing__isnull=False
        ).values_list("message__message_id_hash", "ticket_id")


def _chunked_numbers(numbers: Iterable[str]) -> Iterable[tuple[str, int]]:
    for chunk in _chunks(numbers):
        yield from Ticket.objects.filter(number__in=chunk).values_list("number", "pk")


def _messages_with(hashes: Iterable[str]) -> Iterable[TicketMessage]:
    for chunk in _chunks(hashes):
        yield from (
            TicketMessage.objects.filter(
                message__message_id_hash__in=chunk, kind=TicketMessage.Kind.INCOMING
            )
            .select_related("message")
            .defer("message__text", "message__search_text")
        )


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
