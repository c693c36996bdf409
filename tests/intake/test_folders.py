"""Several folders of one mailbox, each with its purpose; what we sent ourselves is recognised."""

from __future__ import annotations

import pytest
from django.db import transaction

from archive.models import ArchiveEntry
from intake.models import IntakeItem
from intake.poll import poll_account
from mailaccounts.models import MailFolder
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from tests.intake.mailbox import make_mail, make_polled_account
from tests.outbox.outgoing import make_draft, queue
from tests.servers.dovecot import Dovecot
from tickets.models import Ticket

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


def test_every_folder_serves_its_purpose(dovecot: Dovecot, mailbox: str) -> None:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    purposes = {"INBOX": "tickets", "Aufträge & Größen": "tickets", "Ablage": "archive"}
    for number, (name, purpose) in enumerate(purposes.items()):
        MailFolder.objects.create(account=account, name=name, purpose=purpose)
        dovecot.append(mailbox, name, [make_mail(number)])
    dovecot.append(mailbox, "Privat", [make_mail(9)])
    assert poll_account(account.pk).counts.done == 3
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["Anfrage 0", "Anfrage 1"]
    assert ArchiveEntry.objects.count() == 3
    dovecot.append(mailbox, "Ablage", [make_mail(10)])
    dovecot.append(mailbox, "Aufträge & Größen", [make_mail(11)])
    counts = poll_account(account.pk).counts
    assert (counts.done, counts.tickets) == (2, 1)


@pytest.mark.parametrize("is_changed", [False, True])
def test_what_the_provider_filed_in_sent_is_our_own_message(
    dovecot: Dovecot, mailbox: str, is_changed: bool
) -> None:
    """No ticket, and the very message that went out; with a header of the provider's own, beside it."""
    account = make_polled_account(dovecot, mailbox, archive_enabled=True)
    MailFolder.objects.create(account=account, name="INBOX")
    MailFolder.objects.create(account=account, name="Sent", purpose="archive")
    with transaction.atomic():
        outgoing = queue(account, draft=make_draft("kunde@huber.example", subject="Angebot"))
    assert outgoing.message is not None
    raw = read_raw(outgoing.message)
    filed = b"X-Provider: filed\r\n" + raw if is_changed else raw
    dovecot.append(mailbox, "Sent", [filed])
    dovecot.append(mailbox, "INBOX", [make_mail(1)])

    assert poll_account(account.pk).error is None

    assert [ticket.subject for ticket in Ticket.objects.all()] == ["Anfrage 1"]
    item = IntakeItem.objects.get(folder__name="Sent")
    assert item.state == IntakeItem.State.DONE
    assert item.message is not None
    assert item.message.direction == StoredMessage.Direction.OUTGOING
    same = StoredMessage.objects.filter(message_id=outgoing.message.message_id)
    assert same.count() == 1 + is_changed
    assert (item.message == outgoing.message) is not is_changed


def test_nothing_is_deleted_in_a_folder_that_is_only_archived(
    dovecot: Dovecot, mailbox: str
) -> None:
    account = make_polled_account(dovecot, mailbox, archive_enabled=True, delete_on_server=True)
    with dovecot.client(mailbox) as other:
        other.create_folder("Belege")
    account.folders.create(name="INBOX")
    account.folders.create(name="Belege", purpose="archive")
    dovecot.append(mailbox, "INBOX", [make_mail(1)])
    dovecot.append(mailbox, "Belege", [make_mail(2)])
    assert poll_account(account.pk).counts.deleted == 1
    with dovecot.client(mailbox) as other:
        assert [other.folder_status(name)[b"MESSAGES"] for name in ("INBOX", "Belege")] == [0, 1]
