"""The sending process dies between every two steps, several times amid a full queue; what became of all mail?

    python -m bench.crash_sending [MESSAGES=2000] [POINT …]      (SQLite)
    python -m bench.crash_sending --postgres …                   (starts a PostgreSQL of its own)

For each point: a healthy account with that many messages and copies in the Sent folder (Dovecot), one whose
server never answers, one whose recipients are all refused. The process dies at three random passes of the
point, then runs to its end. Each message must have been accepted exactly once, or stand as „unklar“. A point
takes half an hour at most. Ends with 1 where something is wrong.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from bench.crash import start_dovecot
from company.crash_points import EXIT_CODE
from outbox.handful import MOST
from tests.intake.crashing import Room
from tests.outbox.crashing import accepted_by, empty_house, fill, let_copies_be_due, read_fate
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import run_postgres
from tests.servers.scripted import run_scripted, silence
from tests.servers.smtp_sink import Sink, run_smtp_sink

# The point, and how many messages of the healthy account one pass of it stands for.
POINTS = {
    "claimed": 100,
    "connected": 1000,
    "before_data": 1,
    "data_started": 1,
    "sent": 1,
    "recorded": MOST,
    "released": 2000,
    "copy_search": 1,
    "copy_append": 1,
    "copy_appended": 1,
    "copy_recorded": 1,
}
_DEATHS = 3
_SICK = 20  # messages on each of the sick accounts
_SECONDS = 300.0  # for one run of the process
_NOBODY = "nein@huber.example"


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("--")]
    count = int(words[0]) if words else 2000
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every command
    seed = time.time_ns()
    chance = random.Random(seed)
    print(f"{count} messages at each point, seed {seed}", flush=True)
    is_right = True
    with ExitStack() as stack:
        url = stack.enter_context(run_postgres()).url if "--postgres" in arguments else ""
        sink = stack.enter_context(run_smtp_sink())
        dovecot = stack.enter_context(start_dovecot(stack))
        for number, point in enumerate(words[1:] or POINTS):
            with (
                tempfile.TemporaryDirectory(prefix="bench-crash-") as folder,
                empty_house(Path(folder, "data"), database_url=url) as house,
            ):
                mailbox = f"crash-{number}@example.com"
                is_right &= _try(point, count, house, sink, dovecot, mailbox, chance)
    print("nothing lost, doubled or misreported" if is_right else "something is wrong")
    return 0 if is_right else 1


def _try(
    point: str,
    count: int,
    house: Room,
    sink: Sink,
    dovecot: Dovecot,
    mailbox: str,
    chance: random.Random,
) -> bool:
    sink.reset()
    sink.on_recipient = {_NOBODY: "550 5.1.1 no"}
    begun, died = time.monotonic(), 0
    with run_scripted(silence) as hanging:
        fill(house, title="Silent", count=_SICK, email="a@x.example", smtp_port=hanging.port)
        fill(house, title="No", count=_SICK, to=_NOBODY, email="b@x.example", smtp_port=sink.port)
        fill(
            house,
            title="Mail",
            count=count,
            email=mailbox,
            smtp_port=sink.port,
            imap_host="127.0.0.1",
            imap_port=dovecot.imap_port,
            copy_to_sent=True,
        )
        for _ in range(_DEATHS):
            nth = chance.randint(1, max(1, count // POINTS[point] // (_DEATHS + 1)))
            died += _run(house, f"outbox.{point}:{nth}") == EXIT_CODE
            let_copies_be_due(house)
        _run(house, "")
        let_copies_be_due(house)
        _run(house, "")
    fate = read_fate(house)
    accepted = accepted_by(one.raw for one in sink.received)
    filed = accepted_by(dovecot.messages(mailbox, "Sent"))
    wrong = _wrong(fate.states, accepted, count) + sum(number > 1 for number in filed.values())
    wrong += sum(filed[subject] != (state == "sent") for subject, state in _mails(fate.states))
    states = Counter(state for _, state in _mails(fate.states))
    print(
        f"{point:13} died {died}×  accepted {states['sent']}  unklar {states['uncertain']}  "
        f"lost {_lost(fate.states, accepted, count)}  "
        f"doubled {sum(number > 1 for number in accepted.values())}  "
        f"wrong {wrong}  {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return not wrong and died > 0


def _run(house: Room, crash_at: str) -> int:
    return house.run("manage.py", "deliver", crash_at=crash_at, seconds=_SECONDS).returncode


def _mails(states: dict[str, str]) -> list[tuple[str, str]]:
    """Subject and state of the healthy account's messages."""
    return [(subject, state) for subject, state in states.items() if subject.startswith("Mail ")]


def _lost(states: dict[str, str], accepted: Counter[str], count: int) -> int:
    """Of the healthy account's: those nobody has and no state owns up to."""
    known = sum(state == "uncertain" or accepted[subject] > 0 for subject, state in _mails(states))
    return count - known


def _wrong(states: dict[str, str], accepted: Counter[str], count: int) -> int:
    """How many messages are not as the installation says, or not as they ought to be."""
    allowed = {"sent": (1,), "uncertain": (0, 1)}
    wrong = count - len(_mails(states))
    for subject, state in states.items():
        title = subject.partition(" ")[0]
        expected = {"Mail": ("sent", "uncertain"), "No": ("failed",), "Silent": ("retry", "queued")}
        wrong += state not in expected[title] or accepted[subject] not in allowed.get(state, (0,))
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
