"""Mailboxes of a test's Dovecot, made without asking it: thousands of APPENDs take minutes."""

from __future__ import annotations

import os

from tests.servers.dovecot import Dovecot
from tests.servers.processes import give_to_server


def copy_mailbox(server: Dovecot, user: str, other: str, *, most: int = 0) -> None:
    """Gives `other` the mails of `user` (the first `most`) as links to the same files, arrived now."""
    source, target = (server.directory / "mail" / name for name in (user, other))
    for name in ("cur", "new", "tmp"):
        (target / name).mkdir(parents=True, exist_ok=True)
    files = sorted([*(source / "cur").iterdir(), *(source / "new").iterdir()])
    for file in files[: most or None]:
        os.utime(file)
        os.link(file, target / "cur" / f"{file.name.partition(':')[0]}:2,")
    for path in (target, *target.iterdir()):
        give_to_server(path)
