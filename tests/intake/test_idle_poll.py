from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.models import FolderCursor
from intake.poll import poll_account
from mailaccounts.models import MailFolder
from tests.factories import make_account
from tests.servers.counted import counted_mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def poll_idle(messages: int) -> tuple[list[str], int, int]:
    """Commands, bytes on the wire and statements of a poll that finds nothing new."""
    with counted_mailbox(messages) as mailbox:
        account = make_account(
            imap_host="127.0.0.1", imap_port=mailbox.port, tickets_enabled=True, since_date=None
        )
        folder = MailFolder.objects.create(account=account, name="INBOX")
        FolderCursor.objects.create(folder=folder, uidvalidity=1, last_uid=messages)
        with CaptureQueriesContext(connection) as queries:
            summary = poll_account(account.pk)
        assert (summary.error, summary.counts.noted) == (None, 0)
    return mailbox.commands, mailbox.bytes, len(queries)


def test_an_idle_poll_costs_the_same_for_ten_and_for_half_a_million_messages() -> None:
    commands, size, statements = poll_idle(10)
    many, large, more = poll_idle(500_000)

    assert [line.split()[0] for line in many] == [line.split()[0] for line in commands]
    assert len(many) <= 5, many
    assert size - 5 < large < size + 50  # the numbers are longer, that is all
    assert large < 2000
    assert more <= statements <= 20
