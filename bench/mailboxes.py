"""Mailboxes of a test's Dovecot, made without asking it: thousands of APPENDs take minutes."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tests.servers.dovecot import Dovecot
from tests.servers.processes import give_to_server


def copy_mailbox(
    server: Dovecot, user: str, other: str, *, most: int = 0, every_fresh: int = 0
) -> None:
    """Gives `other` the mails of `user` (the first `most`) as links to the same files.

    Of `every_fresh` mails one has arrived this moment.
    """
    source, target = (server.directory / "mail" / name for name in (user, other))
    for name in ("cur", "new", "tmp"):
        (target / name).mkdir(parents=True, exist_ok=True)
    files = sorted([*(source / "cur").iterdir(), *(source / "new").iterdir()], key=_arrival)
    arrival = time.time() + 2  # not in the second in which somebody looked
    for number, file in enumerate(files[: most or None]):
        if every_fresh and number % every_fresh == 0:
            os.utime(file, (arrival, arrival))
        os.link(file, target / "cur" / f"{file.name.partition(':')[0]}:2,")
    for path in (target, *target.iterdir()):
        give_to_server(path)


def _arrival(file: Path) -> list[int]:
    """Second and microsecond stand in a Maildir's names: SECONDS.MMICROSECONDS…"""
    return [int(number) for number in re.findall(r"\d+", file.name)[:2]]
