"""Delivery reports settle what was of unknown fate, in both directions."""

from __future__ import annotations

import pytest
from django.utils import timezone

from mailaccounts.models import MailAccount
from mailcore.bounces import Bounce, BounceRecipient
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from outbox.record_bounce import record_bounce
from outbox.settle_uncertain import settle_uncertain
from tests.outbox.outgoing import account_for, fresh, let_time_pass, queue, states
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

HANS = "hans@huber.example"


@pytest.fixture
def account(smtp_sink: Sink) -> MailAccount:
    return account_for(smtp_sink)


@pytest.fixture
def uncertain(account: MailAccount, smtp_sink: Sink) -> OutgoingMessage:
    outgoing = queue(account)
    smtp_sink.drop_on = "body"
    deliver_account(account.pk)
    assert fresh(outgoing).state == "uncertain"
    return outgoing


def _report(account: MailAccount, kind: str, *message_ids: str) -> OutgoingMessage | None:
    bounce = Bounce(kind, message_ids, "", (BounceRecipient(HANS, kind, "5.1.1", "user unknown"),))
    return record_bounce(bounce=bounce, account=account, received_at=timezone.now())


def test_a_bounce_settles_it_as_returned(account: MailAccount, uncertain: OutgoingMessage) -> None:
    assert _report(account, "failed", uncertain.message.message_id) == uncertain
    after = fresh(uncertain)
    assert (after.state, after.error_kind, after.next_attempt_at) == ("bounced", "bounced", None)
    assert after.last_reply == "5.1.1 user unknown"
    assert states(uncertain) == {HANS: "bounced"}
    let_time_pass(account)
    assert settle_uncertain() == 0


@pytest.mark.parametrize("kind", ["delivered", "delayed"])
def test_a_notice_that_encloses_its_id_proves_that_it_was_sent(
    kind: str, account: MailAccount, uncertain: OutgoingMessage
) -> None:
    _report(account, kind, uncertain.message.message_id)
    after = fresh(uncertain)
    assert after.state == "sent"
    assert "Zustellbericht" in after.last_reply
    assert states(uncertain) == {HANS: "accepted"}
    assert after.sent_at == uncertain.data_started_at or after.sent_at is not None


def test_a_notice_without_its_id_proves_nothing(
    account: MailAccount, uncertain: OutgoingMessage
) -> None:
    _report(account, "delivered")
    assert fresh(uncertain).state == "uncertain"


def test_a_later_bounce_takes_back_that_it_was_sent(
    account: MailAccount, uncertain: OutgoingMessage
) -> None:
    _report(account, "delayed", uncertain.message.message_id)
    _report(account, "failed", uncertain.message.message_id)
    assert fresh(uncertain).state == "bounced"
    assert states(uncertain) == {HANS: "bounced"}
