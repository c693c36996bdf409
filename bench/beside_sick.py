"""The database's half of `bench.deliver --beside-sick`: a healthy account alone, and beside two sick ones.

The server of one never answers; the other's refuses every recipient. As in production each account has a
worker of its own in the same process.
"""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

from bench.deliver import Plan, Server, Time, timed
from bench.deliver_side import fill, make_bench_account, reset
from mailaccounts import links
from mailaccounts.models import MailAccount
from outbox.deliver import DeliverySummary, deliver_account
from tests.servers.scripted import run_scripted, silence


def compare_beside_sick(plan: Plan, healthy: Server, refusing: Server) -> None:
    """Rounds without and with them alternate. A tenth as much mail waits on each sick account."""
    account = make_bench_account(healthy, 10)
    refused = make_bench_account(refusing, 11)
    hanging = make_bench_account(Server("silent", 1), 12)
    for one, count in ((account, 1), (refused, 10), (hanging, 10)):
        fill(one, 10, plan.messages // count)
    alone, beside = [], []
    for _ in range(plan.rounds):
        reset(account)
        alone.append(_deliver(account, plan.messages))
        reset(account)
        beside.append(_deliver_beside(account, plan.messages, refused, hanging))
    rates = [
        plan.messages / statistics.median(one.seconds for one in times) for times in (alone, beside)
    ]
    print(
        f"{connection.vendor}, healthy account alone {rates[0]:.0f}/s, beside a hanging and a refusing "
        f"one {rates[1]:.0f}/s   {rates[1] / rates[0]:.0%}",
        flush=True,
    )


def _deliver(account: MailAccount, messages: int) -> Time:
    summaries: list[DeliverySummary] = []
    time = timed(lambda: summaries.append(deliver_account(account.pk)))
    assert (summaries[0].sent, summaries[0].problem) == (messages, ""), summaries
    return time


def _deliver_beside(
    account: MailAccount, messages: int, refused: MailAccount, hanging: MailAccount
) -> Time:
    with ThreadPoolExecutor(2) as workers, run_scripted(silence) as silent:
        MailAccount.objects.filter(pk=hanging.pk).update(smtp_port=silent.port)
        running = []
        for one in (refused, hanging):
            reset(one)
            links.wake(one.pk)
            running.append(workers.submit(_deliver_and_leave, one))
        time = _deliver(account, messages)
        assert not running[1].done(), "it was to hang"
    assert running[0].result().failed == messages // 10
    return time


def _deliver_and_leave(account: MailAccount) -> DeliverySummary:
    try:
        return deliver_account(account.pk)
    finally:
        connections.close_all()
