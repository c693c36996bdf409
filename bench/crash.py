# ruff: noqa: E402
"""The process dies at every point of taking mail over, several times amid a large backlog.

    python -m bench.crash [MAILS=5000] [POINT …]        (SQLite)
    DATABASE_URL=postgres://… python -m bench.crash …   (a database per point, dropped afterwards)
    python -m bench.crash --postgres …                  (starts a PostgreSQL of its own)

For each point: a mailbox on Dovecot, polls that die there at random passes (three at most), polls to the
end. Prints what is lost, doubled or half there; ends with 1 if anything is.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="bench-crash-"))

import django

django.setup()

from bench.mailboxes import copy_mailbox
from company.crash_points import EXIT_CODE
from tests.intake.crashing import POINTS, Room, empty_room, make_mails, sender
from tests.servers.certificates import make_certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.postgres import run_postgres
from tests.servers.processes import give_to_server, server_directory

_SOURCE = "source@example.com"
_EVERY_FRESH = 10  # one of so many mails is answered, the others are backlog
_DEATHS = 3
_POLLS = 5  # each takes ten minutes at most
_GROUP = 200  # as large as they grow
_LATEST_DEATH = 8  # groups
_ONCE_A_POLL = {
    f"intake.{name}"
    for name in ["after_ledger", "before_release", "before_expunge", "after_expunge"]
}


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("--")]
    count = int(words[0]) if words else 5000
    points = words[1:] or POINTS
    seed = time.time_ns()
    chance = random.Random(seed)
    print(f"{count} mails per point, seed {seed}", flush=True)
    is_bad = False
    with ExitStack() as stack:
        url = stack.enter_context(run_postgres()).url if "--postgres" in arguments else None
        dovecot = stack.enter_context(start_dovecot(stack))
        dovecot.append(_SOURCE, "INBOX", make_mails(count))
        for number, point in enumerate(points):
            with (
                tempfile.TemporaryDirectory(prefix="bench-crash-") as folder,
                empty_room(Path(folder, "data"), database_url=url) as room,
            ):
                is_bad |= _try(point, count, room, dovecot, f"crash-{number}@example.com", chance)
    print("something is wrong" if is_bad else "nothing lost, doubled or half there")
    return int(is_bad)


def start_dovecot(stack: ExitStack) -> AbstractContextManager[Dovecot]:
    directory = stack.enter_context(server_directory("certificates"))
    certificates = make_certificates(directory)
    for path in directory.iterdir():
        give_to_server(path)
    return run_dovecot(certificates.valid, certificates.ca_file)


def _try(
    point: str, count: int, room: Room, dovecot: Dovecot, mailbox: str, chance: random.Random
) -> bool:
    room.make_account(mailbox, dovecot)
    copy_mailbox(dovecot, _SOURCE, mailbox, every_fresh=_EVERY_FRESH)
    begun, deaths = time.monotonic(), 0
    for _ in range(_DEATHS):
        nth = (
            1
            if point in _ONCE_A_POLL
            else chance.randint(1, max(1, min(_LATEST_DEATH, count // _GROUP)))
        )
        done = room.run("manage.py", "poll", crash_at=f"{point}:{nth}", seconds=3600)
        deaths += done.returncode == EXIT_CODE
    for _ in range(_POLLS):
        if not room.poll_and_report()["open"]:
            break
    seconds = time.monotonic() - begun
    report = room.report()
    lost, doubled, half = _faults(report, count, dovecot, mailbox)
    print(
        f"{point:24} died {deaths}×  lost {lost}  doubled {doubled}  half {half}  {seconds:.0f} s",
        flush=True,
    )
    return bool(lost or doubled or half or not deaths)


def _faults(
    report: dict[str, Any], count: int, dovecot: Dovecot, mailbox: str
) -> tuple[int, int, int]:
    """Lost and doubled among tickets, messages, archive and answers; and what is only partly there."""
    subjects = Counter(f"Anfrage {number}" for number in range(count))
    wanted = dict.fromkeys(("tickets", "messages", "archive"), subjects)
    answers = Counter(sender(number) for number in range(0, count, _EVERY_FRESH))
    wanted["answers"] = answers
    lost = sum((want - Counter(report[name])).total() for name, want in wanted.items())
    doubled = sum((Counter(report[name]) - want).total() for name, want in wanted.items())
    half = len(dovecot.messages(mailbox)) + report["undeleted"]
    half += sum(abs(report[name] - count) for name in ("numbers", "stored"))
    half += abs(report["shown"] - len(answers))
    half += len(set(report["states"]) - {"done"})
    return lost, doubled, half


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
