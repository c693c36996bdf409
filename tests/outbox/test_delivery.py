"""A message goes out as it was written, with a record; a broken one stands alone; a person decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from archive.models import ArchiveEntry
from mailaccounts.models import AccountLink
from mailcore.messages import Mailbox
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.cancel import cancel
from outbox.deliver import deliver_account
from outbox.mark_sent import mark_sent
from outbox.models import OutgoingMessage, Recipient
from outbox.retry import retry
from tests.factories import make_account
from tests.outbox.outgoing import (
    account_for,
    fresh,
    let_time_pass,
    make_draft,
    out_link,
    queue,
    states,
)
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


def test_sent_mail_is_archived_cancelled_mail_is_not(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, archive_enabled=True)
    sent, cancelled = queue(account), queue(account, send_at=timezone.now() + timedelta(hours=1))
    cancel(cancelled)
    deliver_account(account.pk)
    assert [entry.message_id for entry in ArchiveEntry.objects.all()] == [sent.message_id]


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
