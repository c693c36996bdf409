"""Which message a report means where it encloses no id of ours, and what of it is marked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mailaccounts.models import MailAccount
from mailcore.bounces import Bounce, BounceRecipient
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.enqueue import forward_unchanged
from outbox.models import OutgoingMessage, Recipient
from outbox.record_bounce import record_bounce
from tests.factories import make_account, make_ticket
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import send_from

pytestmark = pytest.mark.django_db


def sent(account: MailAccount, *emails: str, state: str = "sent") -> OutgoingMessage:
    send_from(make_ticket(account=account), account)
    outgoing = OutgoingMessage.objects.latest("pk")
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(
        state=state, next_attempt_at=timezone.now() if state == "retry" else None
    )
    for email in emails:
        Recipient.objects.create(outgoing=outgoing, kind="to", email=email, state="accepted")
    return outgoing


def report(*ids: str, **actions: str) -> Bounce:
    """A failure; actions by the recipient's name: hans="failed"."""
    recipients = tuple(
        BounceRecipient(f"{name}@huber.example", action, "5.1.1", "user unknown")
        for name, action in actions.items()
    )
    return Bounce("failed", ids, "", recipients)


@pytest.mark.parametrize(("days", "is_found"), [(4, True), (6, False)])
def test_a_sending_of_the_last_five_days(days: int, is_found: bool) -> None:
    account = make_account()
    outgoing = sent(account, "hans@huber.example")
    found = record_bounce(
        bounce=report(hans="failed"),
        account=account,
        received_at=timezone.now() + timedelta(days=days),
    )
    assert found == (outgoing if is_found else None)


def test_the_recipient_of_another_account_is_not_meant() -> None:
    sent(make_account(), "hans@huber.example")
    bounce = report(hans="failed")
    assert record_bounce(bounce=bounce, account=make_account(), received_at=timezone.now()) is None


def test_only_who_was_refused_is_marked() -> None:
    account = make_account()
    outgoing = sent(account, "hans@huber.example", "eva@huber.example", "karl@huber.example")
    bounce = report(outgoing.message.message_id, hans="failed", eva="delivered")
    assert record_bounce(bounce=bounce, account=account, received_at=timezone.now()) == outgoing
    states = dict(outgoing.recipients.values_list("email", "state"))
    assert states == {
        "hans@huber.example": "bounced",
        "eva@huber.example": "accepted",
        "karl@huber.example": "accepted",
    }


def test_what_is_still_on_its_way_to_others_goes_on() -> None:
    account = make_account()
    outgoing = sent(account, "hans@huber.example", "eva@huber.example", state="retry")
    bounce = report(outgoing.message.message_id, hans="failed")
    record_bounce(bounce=bounce, account=account, received_at=timezone.now())
    outgoing.refresh_from_db()
    assert outgoing.state == "retry"
    assert outgoing.next_attempt_at is not None


def forwarded(account: MailAccount) -> OutgoingMessage:
    message = store_message(
        make_mail(1), direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
    )
    outgoing = forward_unchanged(
        message=message, to="archiv@huber.example", account=account, once_key="forward:1:1"
    )
    OutgoingMessage.objects.update(state="sent", sent_at=timezone.now(), next_attempt_at=None)
    return outgoing


def test_a_copy_for_the_archive_mailbox_is_known_by_the_customer_s_id_and_its_recipient() -> None:
    account = make_account()
    outgoing = forwarded(account)
    bounce = report("mail-1@huber.example", archiv="failed")
    assert record_bounce(bounce=bounce, account=account, received_at=timezone.now()) == outgoing
    outgoing.refresh_from_db()
    assert outgoing.state == "bounced"


def test_the_customer_s_id_alone_says_nothing() -> None:
    account = make_account()
    outgoing = forwarded(account)
    bounce = report("mail-1@huber.example", hans="failed")
    assert record_bounce(bounce=bounce, account=account, received_at=timezone.now()) is None
    outgoing.refresh_from_db()
    assert outgoing.state == "sent"
