"""kill -9 of the whole installation, again and again, while 300 mails come in and 50 go out."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailcore.parse import parse
from tests.flows.installation import EMBEDDED, FLEET, KINDS, Installation, installed, wait_until
from tests.flows.provisioning import company_file
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

# A fleet takes seconds to come up again; its processes die at every point in tests/intake, tests/outbox.
KILLS = {EMBEDDED: 10, FLEET: 5}
INCOMING, OUTGOING = 300, 50


def mail(number: int) -> bytes:
    message = EmailMessage()
    message["From"] = f"Kunde {number} <kunde{number}@kunden.example>"
    message["To"] = "support@example.com"
    message["Subject"] = f"Anfrage {number}"
    message["Message-ID"] = f"<kill-{number}@kunden.example>"
    message.set_content(f"Nachricht Nummer {number}\n" * 20)
    if number % 7 == 0:
        message.add_attachment(bytes(range(256)) * 40, "application", "pdf", filename="beleg.pdf")
    return message.as_bytes()


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_and_nothing_doubled(
    kind: str, tmp_path: Path, dovecot: Dovecot, smtp_sink: Sink
) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    moments = random.Random(seed)
    user = f"kill-{kind}@example.com"
    with installed(kind, tmp_path) as installation:
        installation.provision(company_file(dovecot, smtp_sink, support=user))
        feeder = threading.Thread(target=feed, args=(dovecot, user))
        feeder.start()
        sent: list[str] = []
        for round_number in range(KILLS[kind]):
            installation.start()
            if round_number:
                answer = installation.ask(
                    "answer_tickets",
                    str(-(-OUTGOING // (KILLS[kind] - 1))),
                    f"empfaenger{round_number}-{{n}}@kunden.example",
                    f"round{round_number}",
                )
                sent.extend(answer["message_ids"])
            else:
                wait_until(
                    lambda: bool(installation.ask("received")["message_ids"]),
                    seconds=60,
                    what="the first mail is a ticket",
                )
            threading.Event().wait(moments.uniform(0.2, 2.5))  # a random moment is the test
            installation.kill()
        feeder.join()
        installation.start()
        try:
            wait_until(lambda: is_quiet(installation), seconds=180, what="everything is settled")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{describe(installation)}") from error
        check_incoming(installation)
        check_outgoing(installation, sent, smtp_sink, dovecot, user)


def feed(dovecot: Dovecot, user: str) -> None:
    for start in range(0, INCOMING, 10):
        dovecot.deliver(user, *(mail(number) for number in range(start, start + 10)))


def is_quiet(installation: Installation) -> bool:
    """All mail is taken over and nothing waits to be sent."""
    received, outgoing = installation.ask("received"), installation.ask("outgoing")
    waiting = {"scheduled", "queued", "sending", "retry"} & set(outgoing)
    return len(set(received["message_ids"])) >= INCOMING and not received["open"] and not waiting


def describe(installation: Installation) -> str:
    """What keeps it from being quiet."""
    received, outgoing = installation.ask("received"), installation.ask("outgoing")
    states = {state: len(ids) for state, ids in outgoing.items()}
    count = len(set(received["message_ids"]))
    return f"{count} received, open {received['open']}, set aside {received['bad']}, sent {states}"


def check_incoming(installation: Installation) -> None:
    received = installation.ask("received")
    expected = {f"kill-{number}@kunden.example" for number in range(INCOMING)}
    counted = Counter(received["message_ids"])
    assert expected - set(counted) == set(), "lost"
    assert [i for i, n in counted.items() if n > 1] == [], "doubled"
    assert received["bad"] == []
    assert received["empty_tickets"] == []


def check_outgoing(
    installation: Installation, queued: list[str], sink: Sink, dovecot: Dovecot, user: str
) -> None:
    by_state = installation.ask("outgoing")
    states = {message_id: state for state, ids in by_state.items() for message_id in ids}
    on_the_wire = Counter(parse(received.raw).message_id for received in sink.received)
    assert set(queued) == set(states), "lost from the outbox"
    assert [i for i, n in on_the_wire.items() if n > 1] == [], "sent twice"
    assert set(states.values()) <= {"sent", "uncertain"}
    assert {i for i, state in states.items() if state == "sent"} <= set(on_the_wire)
    filed = Counter(parse(raw).message_id for raw in dovecot.messages(user, "Sent"))
    assert [i for i, n in filed.items() if n > 1] == [], "twice in Sent"
