# ruff: noqa: E402
"""What it costs to find out that nothing is new in a large mailbox.

    python -m bench.idle_poll [DOVECOT_MESSAGES]      (50,000)

A scripted server claims 500,000 messages: commands and bytes are counted. Then a real Dovecot with that many
small messages: the poll's time beside that of the same four commands sent by hand.
Target: at most 5 commands, below 2 kB, below 20 ms beside the server's own time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")
_DATA = tempfile.TemporaryDirectory(prefix="bench-idle-")  # goes with the process
os.environ["DATA_DIR"] = _DATA.name
os.environ.pop("DATABASE_URL", None)

import django

django.setup()

import imapclient
from django.core.management import call_command

from bench.memory import running_dovecot
from intake.models import FolderCursor
from intake.poll import poll_account
from mailaccounts.models import MailAccount, MailFolder
from tests.factories import make_account
from tests.servers.counted import counted_mailbox
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.processes import give_to_server

_ROUNDS = 15


def make_polled(user: str, port: int, **values: object) -> MailAccount:
    return make_account(
        user, imap_host="127.0.0.1", imap_port=port, tickets_enabled=True, since_date=None, **values
    )


def fill(server: Dovecot, user: str, count: int) -> None:
    """Links to one small message, straight into the Maildir."""
    home = server.directory / "mail" / user
    for name in ("cur", "new", "tmp"):
        (home / name).mkdir(parents=True)
    first = home / "tmp" / "message"
    first.write_bytes(b"From: a@b.example\r\nSubject: x\r\n\r\nText\r\n")
    size = first.stat().st_size
    for number in range(count):
        os.link(first, home / "cur" / f"1700000000.M{number}.bench,S={size},W={size}:2,")
    first.unlink()
    for path in (home, *home.iterdir()):
        give_to_server(path)


def mark_as_polled(account: MailAccount, server: Dovecot, user: str) -> None:
    """As after a first import: the cursor stands at the end."""
    with imapclient.IMAPClient("127.0.0.1", server.imap_port, ssl=False, timeout=300) as client:
        client.login(user, PASSWORD)
        status = client.folder_status("INBOX", ["UIDVALIDITY", "UIDNEXT"])
    folder, _ = MailFolder.objects.get_or_create(account=account, name="INBOX")
    FolderCursor.objects.create(
        folder=folder, uidvalidity=status[b"UIDVALIDITY"], last_uid=status[b"UIDNEXT"] - 1
    )


def by_hand(server: Dovecot, user: str) -> None:
    with imapclient.IMAPClient("127.0.0.1", server.imap_port, ssl=False, timeout=60) as client:
        client.login(user, PASSWORD)
        client.folder_status("INBOX", ["UIDVALIDITY", "UIDNEXT", "MESSAGES"])


def milliseconds(work: Callable[..., object], *arguments: object) -> tuple[float, float]:
    """By the clock, and of our processor."""
    times, used = [], []
    for _ in range(_ROUNDS):
        started, before = time.perf_counter(), time.process_time()
        work(*arguments)
        times.append(time.perf_counter() - started)
        used.append(time.process_time() - before)
    return statistics.median(times) * 1000, statistics.median(used) * 1000


def main(count: int) -> None:
    call_command("migrate", verbosity=0)
    for size in (10, 500_000):
        with counted_mailbox(size) as mailbox:
            account = make_polled(f"{size}@poststelle.example", mailbox.port)
            folder = MailFolder.objects.create(account=account, name="INBOX")
            FolderCursor.objects.create(folder=folder, uidvalidity=1, last_uid=size)
            assert poll_account(account.pk).error is None
            print(f"{size} messages: {len(mailbox.commands)} commands, {mailbox.bytes} bytes")
    with running_dovecot() as server:
        for size in (10, count):
            user = f"idle{size}@poststelle.example"
            fill(server, user, size)
            account = make_polled(user, server.imap_port)
            mark_as_polled(account, server, user)
            alone, alone_used = milliseconds(by_hand, server, user)
            poll, used = milliseconds(poll_account, account.pk)
            print(
                f"Dovecot, {size} messages: by hand {alone:.1f} ms, poll {poll:.1f} ms, so ours "
                f"{poll - alone:.1f} ms, of which {used - alone_used:.1f} ms of processor"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
