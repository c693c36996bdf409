"""„Auf dem Server löschen“: exactly what was taken over."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from intake.models import IntakeItem
from intake.poll import poll_account
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from tests.intake.mailbox import deliver_at, make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket

State = IntakeItem.State
pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def test_deletes_exactly_what_it_took_over(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(
        dovecot, mailbox, delete_on_server=True, since_date=date(2026, 5, 2)
    )
    old, new = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    deliver_at(dovecot, mailbox, make_mail(1, subject="zu alt"), old)
    deliver_at(dovecot, mailbox, make_mail(2), new)
    deliver_at(dovecot, mailbox, make_mail(3, subject="von anderen gelöscht"), old)
    with dovecot.client(mailbox) as other:
        other.select_folder("INBOX")
        other.add_flags(other.search("ALL")[2], ["\\Deleted"])

    summary = poll_account(account.pk)

    assert (summary.counts.tickets, summary.counts.deleted) == (1, 1)
    left = b"".join(dovecot.messages(mailbox))
    assert b"mail-1@" in left
    assert b"mail-3@" in left, "another program's deletion was carried out"
    assert b"mail-2@" not in left
    assert IntakeItem.objects.get(state=State.DONE).deleted_at is not None


def test_a_mail_that_is_only_stored_is_not_deleted(dovecot: Dovecot, mailbox: str) -> None:
    """An own mail that came back makes no ticket; without an archive nothing else keeps it."""
    own = new_message_id("firma.example", keys=message_id_keys(), token="o-1")
    account = make_polled_account(dovecot, mailbox, delete_on_server=True)
    dovecot.append(mailbox, "INBOX", [make_mail(Message_ID=f"<{own}>")])
    summary = poll_account(account.pk)
    assert (summary.counts.done, summary.counts.tickets, summary.counts.deleted) == (1, 0, 0)
    assert len(dovecot.messages(mailbox)) == 1
    assert not Ticket.objects.exists()
