"""Whom an answer goes to and who it comes from, until somebody chooses otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from company.models import User
from mailaccounts.models import MailAccount
from mailaccounts.own_addresses import own_addresses, sendable_addresses
from mailaccounts.senders import NoAccountForSender, SenderChoice, identities_for, may_send_as
from mailcore.messages import Mailbox
from mailstore.models import StoredMessage
from tickets.models import Ticket, TicketMessage


@dataclass(frozen=True, slots=True)
class DefaultRecipients:
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]


def default_sender(ticket: Ticket, user: User) -> SenderChoice:
    """The address the mail came to if the account may send as it, else the account's (A5).

    Where the user may send with neither, the user's first own choice. Raises NoAccountForSender.
    """
    account = ticket.account
    wanted = []
    if account and _answers_from_alias(account, ticket.incoming_address):
        wanted.append(ticket.incoming_address)
    if account:
        wanted.append(account.from_email)
    refusal: NoAccountForSender | None = None
    for email in wanted:
        try:
            return may_send_as(user, email, known=vouched_addresses(ticket))
        except NoAccountForSender as error:
            refusal = refusal or error
    identities = identities_for(user)
    if not identities:
        raise refusal or NoAccountForSender("", str(_NO_SENDER))
    return may_send_as(user, identities[0].email)


_NO_SENDER = gettext_lazy(
    "Es gibt keinen E-Mail Account, mit dem Sie senden dürfen. "
    "Bitten Sie die Administration, einen einzurichten."
)


def vouched_addresses(ticket: Ticket) -> tuple[str, ...]:
    """The alias a ticket came to: whoever answers the ticket may answer as it."""
    account = ticket.account
    if account and _answers_from_alias(account, ticket.incoming_address):
        return (ticket.incoming_address,)
    return ()


def _answers_from_alias(account: MailAccount, incoming_address: str) -> bool:
    if not account.reply_from_incoming or not incoming_address:
        return False
    return sendable_addresses([account])[account.pk].includes(incoming_address)


def default_recipients(ticket: Ticket, *, to_all: bool) -> DefaultRecipients:
    """Whoever wrote last (Reply-To before From); with `to_all` also everybody they wrote to."""
    message = newest_mail(ticket)
    customer = Mailbox(ticket.customer_name, ticket.customer_email)
    if message is None:
        return DefaultRecipients((customer,) if customer.email else (), ())
    own = own_addresses() | {ticket.incoming_address.lower()}
    if message.direction == StoredMessage.Direction.OUTGOING:
        writers = _people(message, "to")
    else:
        writers = [*_people(message, "reply_to"), *_people(message, "from")]
        strangers = [one for one in writers if one.email.lower() not in own]
        writers = strangers[: max(1, len(_people(message, "reply_to")))]
    to = _unique(writers, without=set()) or ((customer,) if customer.email else ())
    if not to_all:
        return DefaultRecipients(to, ())
    known = own | {one.email.lower() for one in to}
    others = [*_people(message, "to"), *_people(message, "cc")]
    return DefaultRecipients(to, _unique(others, without=known))


def newest_mail(ticket: Ticket) -> StoredMessage | None:
    """The customer's newest mail, else the newest of ours: what an answer answers."""
    mails = TicketMessage.objects.filter(ticket=ticket, message__isnull=False)
    for kinds in ((TicketMessage.Kind.INCOMING,), (TicketMessage.Kind.REPLY,)):
        found = mails.filter(kind__in=kinds).order_by("-created_at", "-pk")
        newest = found.select_related("message").first()
        if newest and newest.message:
            return newest.message
    return None


def _people(message: StoredMessage, role: str) -> list[Mailbox]:
    return [Mailbox(name, email) for name, email in message.people.get(role, []) if email]


def _unique(
    mailboxes: Iterable[Mailbox], *, without: set[str] | frozenset[str]
) -> tuple[Mailbox, ...]:
    found: dict[str, Mailbox] = {}
    for mailbox in mailboxes:
        if mailbox.email.lower() not in without:
            found.setdefault(mailbox.email.lower(), mailbox)
    return tuple(found.values())
