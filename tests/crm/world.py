"""An address with everything that can pass between it and the company."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from archive.add import add
from company.models import Address, User
from crm.activities import ActivityContent, add_activity
from crm.models import Activity
from documents.models import Dispatch, Document
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.models import OutgoingMessage
from tests.factories import (
    make_account,
    make_address,
    make_contact,
    make_document,
    make_mail,
    make_ticket,
)
from tests.outbox.outgoing import make_draft, queue
from tests.tickets.letters import letter
from tickets.models import Ticket, TicketMessage

_count = itertools.count(1)
NOON = datetime(2026, 11, 20, 11, tzinfo=UTC)  # in Augsburg


@dataclass(frozen=True)
class Passed:
    """Everything once, an hour apart, the oldest first."""

    address: Address
    account: MailAccount
    ticket: Ticket
    letter_mail: OutgoingMessage
    document: Document


def make_customer(name: str = "Huber GmbH") -> Address:
    address = make_address(name, email="Info@Huber.example", phone="0821 555020")
    make_contact(address, "Hans Huber", salutation="Herr", email="hans@huber.example")
    return address


def note(address: Address, author: User, text: str = "Notiz", **values: Any) -> Activity:
    content = ActivityContent(
        **{"kind": Activity.Kind.NOTE, "text": text, "happened_at": timezone.now(), **values}
    )
    return add_activity(
        address=address, author=author, content=content, once_key=f"note-{next(_count)}"
    )


def call(address: Address, author: User, text: str = "Rückruf", **values: Any) -> Activity:
    values = {"kind": Activity.Kind.CALL, "direction": "in", "person": "Hans Huber"} | values
    return note(address, author, text, **values)


def letter_mail(address: Address, account: MailAccount, **values: Any) -> OutgoingMessage:
    to = values.pop("to", "hans@huber.example")
    subject = values.pop("subject", "Unser Gespräch")
    draft = make_draft(to, subject=subject, text="wie besprochen")
    return queue(account, draft=draft, origin="letter", address=address, **values)


def archived(account: MailAccount, raw: bytes, at: datetime) -> None:
    message = store_message(raw, direction=StoredMessage.Direction.INCOMING, received_at=at)
    MailAccount.objects.filter(pk=account.pk).update(archive_enabled=True)
    account.refresh_from_db()
    incoming = StoredMessage.Direction.INCOMING
    entry = add(account=account, message=message, direction=incoming, mail_date=at)
    assert entry is not None


def let_everything_pass(author: User) -> Passed:
    """One of everything, from NOON on."""
    address, account = make_customer(), make_account("info@firma.example")
    hours = [NOON + timedelta(hours=n) for n in range(9)]
    ticket = make_ticket(account=account, address=address, subject="Lieferung")
    make_mail(ticket, letter("Wo bleibt sie?", subject="Lieferung fehlt"), now=hours[0])
    TicketMessage.objects.create(
        ticket=ticket, kind="note", note="Spediteur gefragt", author=author, created_at=hours[1]
    )
    archived(account, letter("Katalog bitte", subject="Katalog"), hours[2])
    mail = letter_mail(address, account, created_by=author)
    OutgoingMessage.objects.filter(pk=mail.pk).update(created_at=hours[3])
    call(address, author, happened_at=hours[4])
    note(address, author, "Zahlt pünktlich", happened_at=hours[5])
    document = make_document(address=address, number="400777", state="freigegeben")
    Document.objects.filter(pk=document.pk).update(created_at=hours[6])
    sent = make_document("brief", address=address, number="900777", subject="Frohe Feiertage")
    Dispatch.objects.create(
        document=sent, press="x", channel="printer", state="done", recipient="Hans Huber"
    )
    Dispatch.objects.update(created_at=hours[7])
    return Passed(address, account, ticket, mail, document)
