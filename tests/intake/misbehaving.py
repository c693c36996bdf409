"""What the tests of servers that misbehave share: an account there, and that every mail came once."""

from __future__ import annotations

from typing import Any

from intake.models import IntakeItem
from intake.poll import PollSummary, poll_account
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from mailstore.read import read_raw
from tests.factories import make_account
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox
from tickets.models import Ticket, TicketMessage

State = IntakeItem.State


def scripted_account(
    server: ScriptedServer, email: str = "info@firma.example", **values: Any
) -> MailAccount:
    return make_account(
        email,
        imap_host="127.0.0.1",
        imap_port=server.port,
        imap_encryption="none",
        tickets_enabled=True,
        since_date=None,
        **values,
    )


def states() -> dict[int, str]:
    return dict(IntakeItem.objects.order_by("uid").values_list("uid", "state"))


def link_of(account: MailAccount) -> AccountLink:
    return AccountLink.objects.get(account=account, direction="in")


def check_once(box: Mailbox, uids: set[int]) -> None:
    """These mails are tickets, once each, byte for byte, and their ledger rows say so."""
    done = IntakeItem.objects.filter(state=State.DONE).select_related("message")
    assert {item.uid: read_raw(item.message) for item in done if item.message} == {
        uid: box.messages[uid] for uid in uids
    }
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == [
        f"Anfrage {uid}" for uid in sorted(uids)
    ]
    assert TicketMessage.objects.count() == len(uids)


def again(account: MailAccount) -> PollSummary:
    """The next poll, long after: every wait is over."""
    IntakeItem.objects.update(next_attempt_at=None)
    links.wake(account.pk)
    return poll_account(account.pk)
