"""Who wrote, and which address of the company that is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from django.db.models import Value
from django.db.models.functions import Lower, StrIndex, Substr

from company.models import Address, ContactPerson
from mailaccounts.own_addresses import is_of_us
from mailcore.automatic import find_foreign_reply_to
from mailcore.messages import Mailbox, ParsedMessage

_NO_REPLY = re.compile(r"no[-_.]?reply|do[-_.]?not[-_.]?reply", re.IGNORECASE)
# Providers whose domain says nothing about the company somebody works for.
_FREEMAIL = frozenset(
    """gmail.com googlemail.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de magenta.de
    freenet.de outlook.com outlook.de hotmail.com hotmail.de live.com live.de msn.com yahoo.com
    yahoo.de ymail.com aol.com aol.de icloud.com me.com mac.com posteo.de posteo.net mailbox.org
    arcor.de email.de mail.de online.de vodafone.de kabelmail.de proton.me protonmail.com pm.me
    tutanota.com tutanota.de tuta.io bluewin.ch hispeed.ch aon.at chello.at a1.net mail.com mail.ru
    zoho.com fastmail.com unitybox.de 1und1.de ewe.net ewetel.net netcologne.de o2mail.de
    alice.de versanet.de""".split()  # noqa: SIM905
)


def find_customer(parsed: ParsedMessage, own_addresses: frozenset[str]) -> Mailbox:
    """The person to answer: the sender, or the Reply-To of a contact form that writes as us."""
    sender = parsed.from_[0] if parsed.from_ else Mailbox("", "")
    email = sender.email.lower()
    if not email or is_of_us(email, own_addresses) or _NO_REPLY.match(email):
        foreign = find_foreign_reply_to(parsed, own_addresses)
        if foreign:
            name = next((one.name for one in parsed.reply_to if one.email == foreign), "")
            return Mailbox(name, foreign.lower())
    # A name that is somebody else's address would stand alone in the list.
    return Mailbox("" if sender.is_disguised else sender.name, email)


class AddressBook:
    """Looks up the addresses of a group of mails with a fixed number of queries."""

    def __init__(self, emails: Iterable[str]) -> None:
        wanted = {email.lower() for email in emails if "@" in email}
        self._by_email = _find_by_email(wanted)
        unknown = {email.rpartition("@")[2] for email in wanted - self._by_email.keys()}
        self._by_domain = _find_by_domain(unknown - _FREEMAIL)

    def find(self, emails: Iterable[str]) -> Address | None:
        """The address of the first e-mail that is known; else of the first one's company."""
        tried = [email.lower() for email in emails if email]
        for email in tried:
            if email in self._by_email:
                return self._by_email[email]
        for email in tried:
            domain = email.rpartition("@")[2]
            if domain in self._by_domain:
                return self._by_domain[domain]
        return None


def _find_by_email(emails: Collection[str]) -> dict[str, Address]:
    """A contact person counts more than the address itself, an old entry more than a new one."""
    found: dict[str, Address] = {}
    if not emails:
        return found
    contacts = ContactPerson.objects.annotate(lower=Lower("email")).filter(
        lower__in=emails, address__is_active=True
    )
    for contact in contacts.select_related("address").order_by("pk"):
        found.setdefault(contact.email.lower(), contact.address)
    addresses = Address.objects.annotate(lower=Lower("email")).filter(
        lower__in=emails, is_active=True
    )
    for address in addresses.order_by("pk"):
        found.setdefault(address.email.lower(), address)
    return found


def _find_by_domain(domains: Collection[str]) -> dict[str, Address]:
    """Only where the domain belongs to exactly one address: else it is a guess."""
    if not domains:
        return {}
    domain_of = Lower(Substr("email", StrIndex("email", Value("@")) + 1))
    found: dict[str, dict[int, Address]] = {}
    addresses = Address.objects.alias(domain=domain_of).filter(domain__in=domains)
    for address in addresses.filter(is_active=True):
        found.setdefault(address.email.rpartition("@")[2].lower(), {})[address.pk] = address
    contacts = ContactPerson.objects.alias(domain=domain_of).filter(domain__in=domains)
    for contact in contacts.filter(address__is_active=True).select_related("address"):
        domain = contact.email.rpartition("@")[2].lower()
        found.setdefault(domain, {})[contact.address_id] = contact.address
    return {
        domain: next(iter(addresses.values()))
        for domain, addresses in found.items()
        if len(addresses) == 1
    }
