"""What is left of dead workers, and what a message of unknown fate becomes."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from mailaccounts.links import new_owner
from mailcore.errors import Step
from mailcore.smtp import RecipientReply, SendReport, Verdict
from outbox.cancel import cancel
from outbox.claim import Claimed, claim_due, start_data
from outbox.deliver import deliver_account
from outbox.judge import Try, judge
from outbox.models import OutgoingMessage
from outbox.record import record
from outbox.sweep import sweep
from tests.factories import make_account
from tests.outbox.outgoing import account_for, fresh, let_time_pass, queue
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


def _dead_owner() -> str:
    """The name of a process of this host that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return f"{socket.gethostname()[:40]}:{pid}:abc"


def _start(claimed: Claimed, owner: str) -> bool:
    return start_data([claimed], owner) == {claimed.outgoing.pk}


def test_a_claim_of_a_living_worker_is_left_alone() -> None:
    account = make_account()
    outgoing = queue(account)
    claim_due(account.pk, new_owner())
    assert sweep() == 0
    assert fresh(outgoing).state == State.SENDING


def test_an_expired_claim_before_data_waits_again(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    claim_due(account.pk, "anderer-rechner:1:x")
    assert sweep() == 0
    let_time_pass(account, hours=1)
    assert sweep() == 1
    assert fresh(outgoing).state == State.QUEUED
    assert deliver_account(account.pk).sent == 1


@pytest.mark.parametrize("lane", ["", "/3"])
def test_a_claim_of_a_dead_process_of_this_host_is_freed_at_once(lane: str) -> None:
    account = make_account()
    outgoing = queue(account)
    claim_due(account.pk, _dead_owner() + lane)
    assert sweep() == 1
    assert fresh(outgoing).state == State.QUEUED


def test_an_expired_claim_after_data_is_uncertain_and_stays_so(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    (claimed,) = claim_due(account.pk, "anderer-rechner:1:x")
    _start(claimed, "anderer-rechner:1:x")
    let_time_pass(account, hours=2)
    assert sweep() == 1
    assert fresh(outgoing).state == State.UNCERTAIN
    assert outgoing.attempts.get().verdict == "uncertain"
    let_time_pass(account)
    assert deliver_account(account.pk).total == sweep() == 0
    assert smtp_sink.received == []


def test_a_lost_claim_never_sends() -> None:
    account = make_account()
    queue(account)
    (claimed,) = claim_due(account.pk, "anderer-rechner:1:x")
    let_time_pass(account, hours=1)
    assert not _start(claimed, "anderer-rechner:1:x")
    sweep()
    assert claim_due(account.pk, "zweiter:2:y")
    assert not _start(claimed, "anderer-rechner:1:x")


def test_a_claimed_message_cannot_be_cancelled() -> None:
    account = make_account()
    outgoing = queue(account)
    claim_due(account.pk, new_owner())
    assert not cancel(outgoing)
    assert fresh(outgoing).state == State.SENDING


def test_two_workers_claim_different_messages() -> None:
    account = make_account()
    for _ in range(15):
        queue(account)
    first, second = claim_due(account.pk, "a:1:x"), claim_due(account.pk, "b:2:y")
    assert (len(first), len(second)) == (10, 5)
    assert not {one.outgoing.pk for one in first} & {one.outgoing.pk for one in second}


def test_the_late_answer_of_a_worker_believed_dead_still_counts() -> None:
    account = make_account()
    outgoing = queue(account)
    owner = "anderer-rechner:1:x"
    (claimed,) = claim_due(account.pk, owner)
    _start(claimed, owner)
    let_time_pass(account, hours=2)
    sweep()
    reply = RecipientReply("hans@huber.example", 250, "ok", Verdict.ACCEPTED)
    report = SendReport((reply,), 250, "ok", Step.BODY, Verdict.ACCEPTED)
    started = timezone.now() - timedelta(hours=2)
    record([judge(Try(claimed, owner, started, "server:25"), report)])
    assert fresh(outgoing).state == State.SENT
