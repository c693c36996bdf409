"""What becomes of a message, for every kind of answer a server gives (mail-rules 5)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from outbox.cancel import cancel
from outbox.deliver import deliver_account, due_accounts
from outbox.models import OutgoingMessage, Recipient
from outbox.retry_schedule import MOST_ATTEMPTS
from tests.factories import make_account
from tests.outbox.outgoing import (
    account_for,
    fresh,
    let_time_pass,
    minutes_ahead,
    out_link,
    queue,
    states,
)
from tests.servers.free_port import free_port
from tests.servers.scripted import Peer, run_scripted, smtp_script
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


ANSWERS = [
    # (what the server does, state, error_kind, link state, counted attempts)
    ({"on_mail": "421 4.3.2 shutting down"}, State.RETRY, "server_busy", "failing", 1),
    ({"on_mail": "451 4.3.0 try later"}, State.RETRY, "server_busy", "ok", 1),
    ({"on_recipient": {"*": "450 4.2.0 greylisted"}}, State.RETRY, "server_busy", "ok", 1),
    ({"on_data": "451 4.3.0 queue"}, State.RETRY, "server_busy", "ok", 1),
    ({"on_body": "452 4.3.1 storage"}, State.RETRY, "server_busy", "ok", 1),
    ({"drop_on": "mail"}, State.RETRY, "disconnected", "failing", 1),
    ({"drop_on": "rcpt"}, State.RETRY, "disconnected", "failing", 1),
    ({"drop_on": "data"}, State.RETRY, "disconnected", "failing", 1),
    ({"on_mail": "530 5.7.0 log in first"}, State.QUEUED, "login_failed", "login", 0),
    ({"on_mail": "535 5.7.8 no"}, State.QUEUED, "login_failed", "login", 0),
    ({"on_body": "554 5.2.252 SendAsDenied; x"}, State.QUEUED, "sender_refused", "login", 0),
    ({"on_mail": "550 5.7.60 not as this one"}, State.QUEUED, "sender_refused", "login", 0),
    ({"on_mail": "450 4.7.1 rate limit"}, State.QUEUED, "rate_limited", "ok", 0),
    ({"on_body": "432 4.3.2 STOREDRV"}, State.QUEUED, "rate_limited", "ok", 0),
    ({"on_recipient": {"*": "550 5.1.1 unknown"}}, State.FAILED, "recipient_refused", "ok", 1),
    ({"on_mail": "553 5.1.8 sender"}, State.FAILED, "sender_refused", "ok", 1),
    ({"on_data": "554 5.5.1 no"}, State.FAILED, "message_refused", "ok", 1),
    ({"on_body": "554 5.7.1 spam"}, State.FAILED, "message_refused", "ok", 1),
    ({"on_body": "552 5.3.4 too big"}, State.FAILED, "too_large", "ok", 1),
    ({"drop_on": "body"}, State.UNCERTAIN, "uncertain", "ok", 1),
]


@pytest.mark.parametrize(("behaviour", "state", "kind", "link_state", "counted"), ANSWERS)
def test_the_answer_decides(
    smtp_sink: Sink,
    behaviour: dict[str, object],
    state: str,
    kind: str,
    link_state: str,
    counted: int,
) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    for name, value in behaviour.items():
        setattr(smtp_sink, name, value)
    deliver_account(account.pk)
    after = fresh(outgoing)
    assert (after.state, after.error_kind, after.attempts_made) == (state, kind, counted)
    assert after.attempts.count() == 1
    assert after.claimed_until is None
    assert out_link(account).state == link_state
    assert smtp_sink.received == []
    if state == State.FAILED:
        assert set(states(after).values()) == {Recipient.State.REFUSED}
        assert after.next_attempt_at is None
    else:
        assert set(states(after).values()) == {Recipient.State.PENDING}


def test_the_server_away(smtp_sink: Sink) -> None:
    account = make_account("support@firma.example", smtp_port=free_port())
    first, second = queue(account), queue(account)
    assert "refused" in deliver_account(account.pk).problem.lower()
    assert (fresh(first).state, fresh(second).state) == (State.RETRY, State.QUEUED)
    assert "refused" in fresh(first).last_reply.lower()
    assert out_link(account).state == AccountLink.State.FAILING
    assert deliver_account(account.pk).total == 0  # held by the account's back-off
    account.smtp_port = smtp_sink.port
    account.save()
    let_time_pass(account)
    assert deliver_account(account.pk).sent == 2
    assert out_link(account).state == AccountLink.State.OK


def test_a_wrong_password_keeps_the_queue_until_a_person_acts(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, smtp_auth="password", password="falsch")
    outgoing = queue(account)
    deliver_account(account.pk)
    assert fresh(outgoing).state == State.QUEUED
    link = out_link(account)
    assert (link.state, link.error_kind) == (AccountLink.State.LOGIN, "login_failed")
    let_time_pass(account)
    assert account.pk not in due_accounts()
    assert deliver_account(account.pk).total == 0
    MailAccount.objects.filter(pk=account.pk).update(smtp_auth="none")
    links.wake(account.pk)
    assert deliver_account(account.pk).sent == 1


def test_partly_refused_recipients_are_recorded_and_only_the_temporary_ones_retried(
    smtp_sink: Sink,
) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account, "gut@x.example", "weg@x.example", "spaeter@x.example")
    smtp_sink.on_recipient = {
        "weg@x.example": "550 5.1.1 unbekannt",
        "spaeter@x.example": "450 4.2.0 spaeter",
    }
    deliver_account(account.pk)
    assert fresh(outgoing).state == State.RETRY
    assert states(outgoing) == {
        "gut@x.example": "accepted",
        "weg@x.example": "refused",
        "spaeter@x.example": "pending",
    }
    assert fresh(outgoing).sent_at
    assert not cancel(outgoing)  # somebody has it already
    smtp_sink.on_recipient = {}
    let_time_pass(account)
    deliver_account(account.pk)
    assert [one.recipients for one in smtp_sink.received] == [
        ("gut@x.example",),
        ("spaeter@x.example",),
    ]
    assert fresh(outgoing).state == State.SENT
    refused = outgoing.recipients.get(email="weg@x.example")
    assert (refused.state, refused.code, refused.reply) == ("refused", 550, "5.1.1 unbekannt")


def test_the_waiting_times_and_their_end(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    smtp_sink.on_recipient = {"*": "450 4.2.0 spaeter"}
    waits = []
    for _ in range(6):
        deliver_account(account.pk)
        waits.append(minutes_ahead(outgoing))
        let_time_pass(account)
    assert waits == [1, 5, 15, 60, 60, 60]
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(attempts_made=MOST_ATTEMPTS - 1)
    deliver_account(account.pk)
    assert fresh(outgoing).state == State.FAILED
    assert states(outgoing) == {"hans@huber.example": "refused"}


def test_the_schedule_is_48_hours_long() -> None:
    assert 47 * 60 < 1 + 5 + 15 + 60 * (MOST_ATTEMPTS - 4) <= 48 * 60


@pytest.mark.parametrize(
    ("answer", "minutes"),
    [
        ("451 4.7.1 too many messages", 5),
        ("450 4.7.1 limit of 100 messages per hour exceeded", 30),
        ("452 4.7.1 daily limit exceeded", 180),
    ],
)
def test_a_throttled_account_waits_and_no_attempt_is_counted(
    smtp_sink: Sink, answer: str, minutes: int
) -> None:
    account = account_for(smtp_sink)
    first, second = queue(account), queue(account)
    smtp_sink.on_mail = answer
    deliver_account(account.pk)
    assert minutes_ahead(first) == minutes
    assert fresh(first).attempts_made == fresh(second).attempts.count() == 0
    hold = out_link(account).next_attempt_at
    assert hold
    assert round((hold - timezone.now()).total_seconds() / 60) == minutes
    smtp_sink.reset()
    assert deliver_account(account.pk).total == 0
    let_time_pass(account)
    assert deliver_account(account.pk).sent == 2


def test_the_null_sender(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    queue(account, envelope_from="")
    deliver_account(account.pk)
    assert smtp_sink.received[0].envelope_from == ""


def test_the_account_s_address_where_the_null_sender_is_refused() -> None:
    async def answer_mail(peer: Peer) -> None:
        refuses = "<>" in peer.heard[-1]
        await peer.say("550 5.7.1 no null sender\r\n" if refuses else "250 2.1.0 OK\r\n")

    with run_scripted(smtp_script({"MAIL": answer_mail})) as server:
        account = make_account("support@firma.example", smtp_port=server.port)
        queue(account, envelope_from="")
        assert deliver_account(account.pk).sent == 1
        senders = [line.split()[1] for line in server.heard if line.startswith("MAIL")]
    assert senders == ["FROM:<>", "FROM:<support@firma.example>"]
