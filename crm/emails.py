"""The e-mail addresses of an address and its contact persons."""

from __future__ import annotations

from collections.abc import Iterable

from company.models import Address, ContactPerson
from mailcore.messages import Mailbox


def emails_of(address: Address, contacts: Iterable[ContactPerson]) -> frozenset[str]:
    """All of them, in lower case and as they are stored: mails keep both spellings."""
    stored = {address.email.strip(), *(one.email.strip() for one in contacts)} - {""}
    return frozenset(stored | {email.lower() for email in stored})


def mailboxes_of(address: Address, contacts: Iterable[ContactPerson]) -> tuple[Mailbox, ...]:
    """Whom one can write to: the contact persons, then the address itself; each e-mail once."""
    found: dict[str, Mailbox] = {}
    for mailbox in (
        *(Mailbox(one.name, one.email) for one in contacts),
        Mailbox(address.name, address.email),
    ):
        if mailbox.email:
            found.setdefault(mailbox.email.lower(), mailbox)
    return tuple(found.values())
