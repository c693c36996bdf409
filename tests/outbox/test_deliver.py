"""What becomes of a message, for every kind of answer a server gives (mail-rules 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from archive.models import ArchiveEntry
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount
from mailcore.messages import Mailbox
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.cancel import cancel
from outbox.deliver import deliver_account, due_accounts
from outbox.mark_sent import mark_sent
from outbox.models import Attempt, OutgoingMessage, Recipient
from outbox.retry import retry
from outbox.retry_schedule import MOST_ATTEMPTS
from tests.factories import make_account, set_company
from tests.outbox.outgoing import (
    account_for,
    fresh,
    let_time_pass,
    make_draft,
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


def test_a_message_goes_out_byte_for_byte_with_its_envelope(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    draft = make_draft("hans@huber.example", cc=(Mailbox("", "chef@huber.example"),))
    outgoing = queue(account, draft=draft, bcc=(Mailbox("", "still@firma.example"),))
    summary = deliver_account(account.pk)
    assert (summary.sent, summary.problem) == (1, "")
    (received,) = smtp_sink.received
    assert received.raw == read_raw(outgoing.message)
    assert b"still@firma.example" not in received.raw
    assert received.envelope_from == "support@firma.example"
    assert set(received.recipients) == {
        "hans@huber.example",
        "chef@huber.example",
        "still@firma.example",
    }
    sent = fresh(outgoing)
    assert (sent.state, sent.error_kind, sent.claimed_by) == (State.SENT, "", "")
    assert sent.sent_at
    assert "4711" in sent.last_reply
    assert set(states(sent).values()) == {Recipient.State.ACCEPTED}
    (attempt,) = sent.attempts.all()
    assert (attempt.verdict, attempt.step, attempt.code) == ("accepted", "body", 250)
    assert attempt.server == f"127.0.0.1:{smtp_sink.port}"
    assert out_link(account).state == AccountLink.State.OK
    assert out_link(account).lease_owner == ""


def test_many_messages_share_one_connection_in_order(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    queued = [queue(account) for _ in range(25)]
    assert deliver_account(account.pk).sent == 25
    assert smtp_sink.connections == 1
    assert [one.raw for one in smtp_sink.received] == [read_raw(one.message) for one in queued]


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


def test_pausing_and_the_brake(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    set_company(sending_paused=True)
    assert due_accounts() == []
    assert deliver_account(account.pk).total == 0
    set_company(sending_paused=False)
    MailAccount.objects.filter(pk=account.pk).update(paused_at=timezone.now())
    assert due_accounts() == []
    assert deliver_account(account.pk).total == 0
    assert fresh(outgoing).state == State.QUEUED
    MailAccount.objects.filter(pk=account.pk).update(paused_at=None)
    assert due_accounts() == [account.pk]
    assert deliver_account(account.pk).sent == 1


def test_the_brake_works_between_two_messages(
    smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.desk.BRAKE_SECONDS", 0)
    account = account_for(smtp_sink)
    for _ in range(5):
        queue(account)

    def brake(point: str) -> None:
        if point == "outbox.recorded":
            set_company(sending_paused=True)

    monkeypatch.setattr("outbox.handful.crash_point", brake)
    assert deliver_account(account.pk).sent == 1
    assert OutgoingMessage.objects.filter(state=State.QUEUED).count() == 4


def test_scheduled_mail_waits_and_can_be_called_back(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    later = timezone.now() + timedelta(minutes=10)
    kept, called_back = queue(account, send_at=later), queue(account, send_at=later)
    assert fresh(kept).state == State.SCHEDULED
    assert deliver_account(account.pk).total == 0
    assert cancel(called_back)
    assert not cancel(called_back)
    let_time_pass(account)
    assert deliver_account(account.pk).sent == 1
    assert not cancel(kept)
    assert fresh(called_back).state == State.CANCELLED
    assert not retry(called_back)


def test_sent_mail_is_archived_cancelled_mail_is_not(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, archive_enabled=True)
    sent, cancelled = queue(account), queue(account, send_at=timezone.now() + timedelta(hours=1))
    cancel(cancelled)
    deliver_account(account.pk)
    assert [entry.message_id for entry in ArchiveEntry.objects.all()] == [sent.message_id]


def test_the_account_s_own_speed_limits(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, messages_per_minute=3)
    for _ in range(5):
        queue(account)
    assert deliver_account(account.pk).sent == 3
    hold = out_link(account).next_attempt_at
    assert hold
    assert timedelta(0) < hold - timezone.now() <= timedelta(minutes=1)
    let_time_pass(account)
    Attempt.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    assert deliver_account(account.pk).sent == 2


def test_the_account_s_own_daily_limit(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, recipients_per_day=3)
    for _ in range(3):
        queue(account, "a@x.example", "b@x.example")
    assert deliver_account(account.pk).sent == 1
    let_time_pass(account)
    OutgoingMessage.objects.filter(sent_at__isnull=False).update(
        sent_at=timezone.now() - timedelta(hours=25)
    )
    assert deliver_account(account.pk).sent == 1


def test_erneut_senden_goes_to_whoever_has_not_got_it(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account, "gut@x.example", "weg@x.example")
    smtp_sink.on_recipient = {"*": "550 5.1.1 nein"}
    deliver_account(account.pk)
    assert fresh(outgoing).state == State.FAILED
    smtp_sink.on_recipient = {"weg@x.example": "550 5.1.1 nein"}
    assert retry(outgoing)
    deliver_account(account.pk)
    assert fresh(outgoing).state == State.SENT
    assert states(outgoing) == {"gut@x.example": "accepted", "weg@x.example": "refused"}
    assert not retry(fresh(outgoing))


def test_an_uncertain_message_is_decided_by_a_person(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing, again = queue(account), queue(account)
    smtp_sink.drop_on = "body"
    deliver_account(account.pk)
    deliver_account(account.pk)
    assert (fresh(outgoing).state, fresh(again).state) == (State.UNCERTAIN, State.UNCERTAIN)
    smtp_sink.reset()
    let_time_pass(account)
    assert deliver_account(account.pk).total == 0  # never again by itself
    assert mark_sent(outgoing)
    assert not mark_sent(outgoing)
    assert fresh(outgoing).state == State.SENT
    assert states(outgoing) == {"hans@huber.example": "accepted"}
    assert retry(again)
    assert deliver_account(account.pk).sent == 1
    assert len(smtp_sink.received) == 1


def test_a_bad_account_never_delays_another(smtp_sink: Sink) -> None:
    bad = make_account("kaputt@firma.example", smtp_port=free_port())
    good = account_for(smtp_sink)
    for _ in range(3):
        queue(bad)
        queue(good)
    assert set(due_accounts()) == {bad.pk, good.pk}
    deliver_account(bad.pk)
    assert due_accounts() == [good.pk]
    assert deliver_account(good.pk).sent == 3


def test_two_workers_never_share_an_account(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    queue(account)
    with links.hold_lease(account.pk, "out") as owner:
        assert owner
        assert deliver_account(account.pk).total == 0
    assert deliver_account(account.pk).sent == 1


def test_one_broken_message_does_not_stop_the_others(
    smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_for(smtp_sink)
    missing, fine = queue(account), queue(account)
    message = missing.message
    type(message).objects.filter(pk=message.pk).update(sha256="0" * 64)
    summary = deliver_account(account.pk)
    assert (summary.sent, summary.failed) == (1, 1)
    assert fresh(missing).state == State.FAILED
    assert fresh(fine).state == State.SENT


def test_smtp_debug_keeps_the_dialogue_without_secrets(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, smtp_debug=True, smtp_auth="password")
    outgoing = queue(account)
    deliver_account(account.pk)
    transcript = outgoing.attempts.get().transcript
    assert "MAIL FROM:<support@firma.example>" in transcript
    assert "AUTH" in transcript
    assert "geheim" not in transcript


def test_an_unforeseen_error_is_that_of_one_message(
    smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_for(smtp_sink)
    odd, fine = queue(account), queue(account)

    def read(message: StoredMessage) -> bytes:
        if message == odd.message:
            raise RuntimeError("unforeseen")
        return read_raw(message)

    monkeypatch.setattr("outbox.desk.read_raw", read)
    summary = deliver_account(account.pk)
    assert (summary.sent, summary.retried) == (1, 1)
    assert (fresh(odd).state, fresh(odd).error_kind) == (State.RETRY, "server_error")
    assert "unforeseen" in odd.attempts.get().reply
    assert fresh(fine).state == State.SENT


def test_the_protocol_tells_who_was_not_accepted(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account, "gut@x.example", "spaeter@x.example")
    smtp_sink.on_recipient = {"spaeter@x.example": "450 4.2.0 Greylisted"}
    deliver_account(account.pk)
    after = fresh(outgoing)
    assert (after.error_kind, after.last_reply) == ("server_busy", "450 4.2.0 Greylisted")
    attempt = outgoing.attempts.get()
    assert (attempt.verdict, attempt.reply) == (
        "partly",
        "spaeter@x.example: 450 4.2.0 Greylisted",
    )


def test_why_there_was_no_connection_is_kept(smtp_sink: Sink) -> None:
    account = make_account("support@firma.example", smtp_host="gibt-es-nicht.invalid")
    outgoing = queue(account)
    deliver_account(account.pk)
    assert fresh(outgoing).error_kind == "host_unknown"
