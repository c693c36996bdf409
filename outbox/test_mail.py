"""„Testmail“: a short message through an account, on the same way as every other."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from company.models import User
from mailaccounts.models import MailAccount
from mailcore.messages import Draft, Mailbox
from outbox.enqueue import enqueue
from outbox.models import OutgoingMessage


def send_test_mail(*, account: MailAccount, to: str, user: User) -> OutgoingMessage:
    """Queues a test mail to one address. Raises InvalidDraft for an address that is none."""
    now = date_format(timezone.localtime(), "d.m.Y H:i")
    text = _(
        "Guten Tag,\n\n"
        "diese Testmail wurde am %(now)s über den Account „%(account)s“ (%(server)s) gesendet.\n"
        "Kommt sie an, ist der Versand richtig eingerichtet.\n\n"
        "Poststelle"
    ) % {"now": now, "account": account, "server": account.smtp_host}
    draft = Draft(
        from_=Mailbox(account.from_name, account.from_email),
        to=(Mailbox("", to),),
        subject=_("Testmail von Poststelle"),
        text=text,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    with transaction.atomic(durable=True):
        return enqueue(
            draft=draft,
            bcc=(),
            account=account,
            origin=OutgoingMessage.Origin.TEST,
            once_key=f"test:{uuid4().hex}",
            created_by=user,
            sender_reason=_("Testmail: Account von Hand gewählt"),
        )
