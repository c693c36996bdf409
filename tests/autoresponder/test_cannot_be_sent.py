"""An answer that cannot be queued leaves nothing behind: the next one is not „today's second“."""

from __future__ import annotations

import pytest

from autoresponder.models import AnsweredToday
from mailaccounts.links import remember_max_size, take_lease
from outbox.models import OutgoingMessage
from tests.autoresponder.test_respond import answering, ask

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sender", ["hans@huber..example", "hans@-huber.example"])
def test_an_address_that_can_be_read_but_not_written_to(sender: str) -> None:
    response = ask(answering(), sender=sender)
    assert (response.outgoing, response.suppressed) == (
        None,
        f"An {sender} kann nicht gesendet werden.",
    )
    assert not AnsweredToday.objects.exists()


def test_a_server_that_takes_no_mail_of_this_size() -> None:
    account = answering()
    take_lease(account.pk, "out")
    remember_max_size(account.pk, 10)
    assert "kann nicht gesendet werden" in ask(account).suppressed
    assert not AnsweredToday.objects.exists()
    remember_max_size(account.pk, None)
    assert ask(account, 2).outgoing == OutgoingMessage.objects.get()
