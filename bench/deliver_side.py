# ruff: noqa: E402
"""One database's half of bench.deliver, which starts it: python -m bench.deliver_side PLAN (JSON)."""

from __future__ import annotations

import cProfile
import json
import os
import sys
import time
from pathlib import Path

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from archive.models import ArchiveEntry
from bench.deliver import SENDER, USER, Plan, Server, make_text, send_plain, show, timed
from mailaccounts.models import AccountLink, MailAccount
from mailcore.build import build
from mailcore.messages import Draft, Mailbox
from mailstore.models import StoredMessage
from mailstore.store import NewMessage, store_group
from outbox.deliver import DeliverySummary, deliver_account
from outbox.models import Attempt, OutgoingMessage, Recipient
from tests.factories import make_account

_WARM_UP = 40  # messages


def main(plan: Plan) -> None:
    call_command("migrate", verbosity=0)
    if plan.refusing:
        from bench.beside_sick import compare_beside_sick  # it needs this module

        compare_beside_sick(plan, plan.servers[0], plan.refusing)
        return
    for server in plan.servers:
        for size in plan.sizes:
            account = make_bench_account(server, size)
            raws = fill(account, size, plan.messages)
            for connections in plan.connections:
                _compare(plan, server, account, raws, (size, connections))
            MailAccount.objects.filter(pk=account.pk).update(archived_at=timezone.now())


def _compare(
    plan: Plan,
    server: Server,
    account: MailAccount,
    messages: list[tuple[str, bytes]],
    case: tuple[int, int],
) -> None:
    size, connections = case
    MailAccount.objects.filter(pk=account.pk).update(max_connections=connections)
    plain, ours = [], []
    summaries: list[DeliverySummary] = []
    send_plain(server, messages[:_WARM_UP], connections)
    for number in range(plan.rounds):
        plain.append(send_plain(server, messages, connections))
        reset(account)
        profile = (
            cProfile.Profile(time.process_time)
            if os.environ.get("PROFILE") and number == 1
            else None
        )
        if profile:
            profile.enable()
        ours.append(timed(lambda: summaries.append(deliver_account(account.pk))))
        if profile:
            profile.disable()
            profile.dump_stats(Path(os.environ["PROFILE"]))
        assert (summaries[-1].sent, summaries[-1].problem) == (len(messages), ""), summaries
        _check(account, len(messages))
    title = f"{connection.vendor}, {server.name}, {size} kB, {connections} connection(s)"
    show(title, plain, ours, len(messages))


def make_bench_account(server: Server, size: int) -> MailAccount:
    """An account as in use: archived, with a login where the server wants one."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": server.port}
    if server.ca_file:
        values |= {"smtp_host": "localhost", "smtp_encryption": "starttls"}
        values |= {"smtp_auth": "password", "smtp_username": USER}
    return make_account(f"{size}-{server.name}@firma.example", archive_enabled=True, **values)


def fill(account: MailAccount, size: int, count: int) -> list[tuple[str, bytes]]:
    """Queues messages of that many kB. Returns (recipient, bytes) of each."""
    now = timezone.now()
    people = [f"kunde{number}@huber.example" for number in range(count)]
    text = make_text(size, size)
    raws = [
        build(
            Draft(
                from_=Mailbox("Support", SENDER),
                to=(Mailbox("", person),),
                subject=f"Nachricht an {person}",
                text=f"{account}\n{text}",
                message_id=f"<{account.pk}-{number}@firma.example>",
                date=now,
            )
        )
        for number, person in enumerate(people)
    ]
    direction = StoredMessage.Direction.OUTGOING
    stored = store_group([NewMessage(raw, direction, now) for raw in raws])
    with transaction.atomic():
        rows = OutgoingMessage.objects.bulk_create(
            OutgoingMessage(
                account=account,
                message=message,
                origin=OutgoingMessage.Origin.DOCUMENT,
                once_key=f"bench-{account.pk}-{message.pk}",
                envelope_from=SENDER,
                next_attempt_at=now,
            )
            for message in stored
        )
        Recipient.objects.bulk_create(
            Recipient(outgoing=row, kind=Recipient.Kind.TO, email=person)
            for row, person in zip(rows, people, strict=True)
        )
    return list(zip(people, raws, strict=True))


def reset(account: MailAccount) -> None:
    """Everything waits again, as if it had never been sent."""
    rows = OutgoingMessage.objects.filter(account=account)
    Attempt.objects.filter(outgoing__in=rows).delete()
    ArchiveEntry.objects.filter(account=account).delete()
    Recipient.objects.filter(outgoing__in=rows).update(state=Recipient.State.PENDING)
    rows.update(
        state=OutgoingMessage.State.QUEUED,
        next_attempt_at=F("created_at"),
        data_started_at=None,
        sent_at=None,
        attempts_made=0,
    )


def _check(account: MailAccount, count: int) -> None:
    """All the rows are there; what is measured is the whole work."""
    sent = OutgoingMessage.objects.filter(account=account, state=OutgoingMessage.State.SENT)
    accepted = Recipient.objects.filter(outgoing__in=sent, state=Recipient.State.ACCEPTED)
    attempts = Attempt.objects.filter(outgoing__in=sent, verdict="accepted")
    archived = ArchiveEntry.objects.filter(account=account)
    found = [rows.count() for rows in (sent, accepted, attempts, archived)]
    assert found == [count] * 4, found
    link = AccountLink.objects.get(account=account, direction=AccountLink.Direction.OUTGOING)
    assert link.state == AccountLink.State.OK


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["servers"] = tuple(Server(**server) for server in given["servers"])
    given["refusing"] = Server(**given["refusing"]) if given["refusing"] else None
    main(Plan(**given))
