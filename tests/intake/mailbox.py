"""A mailbox on a real server with an account of Poststelle for it, and mails of all shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from intake.models import IntakeItem
from mailaccounts.models import MailAccount
from tests.factories import make_account
from tests.servers.dovecot import Dovecot


def make_polled_account(dovecot: Dovecot, mailbox: str, **values: Any) -> MailAccount:
    """An account that fetches everything from its mailbox into tickets."""
    return make_account(
        mailbox,
        **{
            "imap_host": "127.0.0.1",
            "imap_port": dovecot.imap_port,
            "imap_encryption": "none",
            "tickets_enabled": True,
            "since_date": None,
            **values,
        },
    )


def make_mail(
    number: int = 1,
    *,
    sender: str = "Hans Huber <hans@huber.example>",
    to: str = "info@firma.example",
    subject: str = "",
    text: str = "",
    **headers: str,
) -> bytes:
    """A plain mail; further headers by name with underscores: In_Reply_To="<…>"."""
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = subject or f"Anfrage {number}"
    message["Date"] = format_datetime(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number))
    message["Message-ID"] = headers.pop("Message_ID", f"<mail-{number}@huber.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text or f"Guten Tag,\n\ndas ist Anfrage {number}.\n")
    return message.as_bytes()


def deliver_at(
    dovecot: Dovecot, user: str, raw: bytes, when: datetime, folder: str = "INBOX"
) -> None:
    """Puts a mail into the folder with this INTERNALDATE."""
    with dovecot.client(user) as client:
        client.append(folder, raw, msg_time=when)


def states_of(account_id: int) -> list[str]:
    """The states of the account's ledger rows in the order of their UIDs."""
    return list(
        IntakeItem.objects.filter(account=account_id)
        .order_by("uid")
        .values_list("state", flat=True)
    )
