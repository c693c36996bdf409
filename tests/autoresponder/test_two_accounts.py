"""Who writes the same to two of our accounts hears from both, but from each of them once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from autoresponder.limits import answer_key, reason_to_stop
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.models import OutgoingMessage, Recipient
from tests.factories import make_account
from tests.intake.mailbox import make_mail

pytestmark = pytest.mark.django_db


def test_the_same_subject_counts_for_the_account_it_was_written_to() -> None:
    first, second = make_account("info@firma.example"), make_account("vertrieb@firma.example")
    mails = [
        store_message(
            make_mail(1, to=to),
            direction=StoredMessage.Direction.INCOMING,
            received_at=timezone.now(),
        )
        for to in (
            "info@firma.example",
            "vertrieb@firma.example",
            "info@firma.example, x@y.example",
        )
    ]
    answer = OutgoingMessage.objects.create(
        account=first,
        message=mails[0],
        origin="autoresponse",
        once_key=answer_key(first, mails[0]),
        next_attempt_at=timezone.now(),
    )
    Recipient.objects.create(outgoing=answer, kind="to", email="hans@huber.example")

    def reason(account: MailAccount, mail: StoredMessage) -> str:
        return reason_to_stop(
            account=account,
            email="Hans@huber.example",
            message=mail,
            ticket_answers=[],
        )

    assert reason(second, mails[1]) == ""
    assert "demselben Betreff" in reason(first, mails[2])
    assert reason(first, mails[0]) == "", "asked again about the same mail"
