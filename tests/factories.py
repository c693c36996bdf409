"""Objects for tests, as plain functions: everything has a sensible default, anything can be named."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone

from company.models import CompanySettings, Employee, Project, Queue, User
from mailaccounts.connect import imap_binding, smtp_binding
from mailaccounts.models import AllowedSender, MailAccount
from mailaccounts.secrets import seal
from tickets.models import Ticket

_count = itertools.count(1)
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
