"""Objects for tests, as plain functions: everything has a sensible default, anything can be named."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from company.models import (
    Address,
    CompanySettings,
    ContactPerson,
    Employee,
    Project,
    Queue,
    User,
)
from company.secrets import seal
from documents.models import Document, DocumentKind, Position
from mailaccounts.connect import imap_binding, smtp_binding
from mailaccounts.models import AllowedSender, MailAccount
from mailstore.models import StoredMessage
from mailstore.store import store_message
from tickets.models import Ticket, TicketMessage

_count = itertools.count(5001)  # far from the numbers that are given out in a test
PASSWORD = "geheim"


def make_user(username: str = "", *, role: str = "staff", **values: Any) -> User:
    username = username or f"benutzer{next(_count)}"
    values.setdefault("email", f"{username}@firma.example")
    return User.objects.create_user(username, password=PASSWORD, role=role, **values)


def make_employee(
    name: str = "Petra Klein", *, user: User | None = None, **values: Any
) -> Employee:
    return Employee.objects.create(name=name, user=user, **values)


def make_project(code: str = "", **values: Any) -> Project:
    code = code or f"P{next(_count)}"
    values.setdefault("name", f"Projekt {code}")
    return Project.objects.create(code=code, **values)


def make_queue(name: str = "Support", **values: Any) -> Queue:
    values.setdefault("key", f"warteschlange-{next(_count)}")
    return Queue.objects.create(name=name, **values)


def make_account(
    email: str = "",
    *,
    allowed: tuple[str, ...] = (),
    employees: tuple[Employee, ...] = (),
    password: str = PASSWORD,
    **values: Any,
) -> MailAccount:
    """An account that may send; servers on loopback unless named."""
    email = email or f"account{next(_count)}@firma.example"
    account = MailAccount(
        **{
            "email": email,
            "display_name": "Firma GmbH",
            "imap_host": "",
            "imap_encryption": "none",
            "smtp_enabled": True,
            "smtp_host": "127.0.0.1",
            "smtp_port": 9,
            "smtp_encryption": "none",
            "smtp_auth": "none",
            **values,
        }
    )
    account.imap_secret = seal(password, imap_binding(account))
    if account.smtp_auth == MailAccount.SmtpAuth.PASSWORD:
        account.smtp_secret = seal(password, smtp_binding(account))
    account.save()
    account.employees.set(employees)
    for pattern in allowed:
        AllowedSender.objects.create(account=account, pattern=pattern)
    return account


def make_ticket(**values: Any) -> Ticket:
    now: datetime = values.pop("now", None) or timezone.now()
    number = f"{timezone.localdate():%Y%m%d}{next(_count):04d}"
    return Ticket.objects.create(
        **{
            "number": number,
            "subject": "Lieferung unvollständig",
            "customer_name": "Hans Huber",
            "customer_email": "hans@huber.example",
            "created_at": now,
            "last_message_at": now,
            "waiting_since": now,
            **values,
        }
    )


def set_company(**values: Any) -> CompanySettings:
    """Grundeinstellungen with these values."""
    CompanySettings.load()
    CompanySettings.objects.filter(pk=1).update(**values)
    return CompanySettings.load()


def make_mail(ticket: Ticket, raw: bytes, **values: Any) -> TicketMessage:
    """A mail that came to the ticket, stored from its bytes."""
    now = values.pop("now", None) or timezone.now()
    account = ticket.account or make_account()
    message = store_message(raw, direction=StoredMessage.Direction.INCOMING, received_at=now)
    return TicketMessage.objects.create(
        **{
            "ticket": ticket,
            "kind": TicketMessage.Kind.INCOMING,
            "account": account,
            "message": message,
            "created_at": now,
            **values,
        }
    )


def make_address(name: str = "Huber & Söhne GmbH", **values: Any) -> Address:
    values.setdefault("number", str(10000 + next(_count)))
    return Address.objects.create(name=name, **values)


def make_contact(address: Address, name: str = "Hans Huber", **values: Any) -> ContactPerson:
    values.setdefault("email", "hans@huber.example")
    return ContactPerson.objects.create(address=address, name=name, **values)


def make_document(
    kind: str = "rechnung",
    *,
    positions: tuple[tuple[str, str, str, str], ...] = (("Kugellager 6204", "2", "12.50", "19"),),
    **values: Any,
) -> Document:
    """A document with positions (text, quantity, price, tax rate); „angelegt“ unless told otherwise."""
    values.setdefault("number", str(400000 + next(_count)))
    if "address" not in values:
        values["address"] = make_address()
    document = Document.objects.create(kind=DocumentKind.objects.get(key=kind), **values)
    for order, (text, quantity, price, rate) in enumerate(positions, start=1):
        Position.objects.create(
            document=document,
            order=order,
            text=text,
            quantity=Decimal(quantity),
            price=Decimal(price),
            tax_rate=Decimal(rate),
        )
    return document
