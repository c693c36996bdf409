# ruff: noqa: E402
"""How many mails per second one worker takes over from a real IMAP server, tickets and archive included.

    DATA_DIR=/tmp/bench python -m bench.import [COUNT]      (SQLite)
    DATABASE_URL=postgres://… DATA_DIR=/tmp/bench python -m bench.import [COUNT]

The database and DATA_DIR should be empty; they are filled and left for a look.
"""

from __future__ import annotations

import cProfile
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from bench.mail_mix import make_mix
from intake.poll import poll_account
from tests.factories import make_account
from tests.servers.certificates import make_certificates
from tests.servers.dovecot import run_dovecot
from tests.servers.processes import give_to_server, server_directory


def main(count: int) -> None:
    call_command("migrate", verbosity=0)
    with server_directory("certificates") as directory:
        certificates = make_certificates(directory)
        for path in directory.iterdir():
            give_to_server(path)
        with run_dovecot(certificates.valid, certificates.ca_file) as server:
            user = f"bench-{time.time_ns()}@poststelle.example"
            mails = list(make_mix(count, seed=time.time_ns()))
            server.append(user, "INBOX", mails)
            size = sum(map(len, mails)) / count / 1000
            account = make_account(
                user,
                imap_host="127.0.0.1",
                imap_port=server.imap_port,
                tickets_enabled=True,
                archive_enabled=True,
                since_date=None,
            )
            profile = cProfile.Profile() if os.environ.get("PROFILE") else None
            started, used = time.perf_counter(), time.process_time()
            if profile:
                profile.enable()
            summary = poll_account(account.pk)
            seconds = time.perf_counter() - started
            used = time.process_time() - used
            if profile:
                profile.disable()
                profile.dump_stats(Path(os.environ["PROFILE"]))
            started = time.perf_counter()
            poll_account(account.pk)
            idle = time.perf_counter() - started
    assert summary.counts.done == count, summary
    print(
        f"{connection.vendor}: {count} mails of {size:.0f} kB in {seconds:.1f} s = "
        f"{count / seconds:.0f}/s ({used:.1f} s of processor), "
        f"{summary.counts.tickets} tickets; idle poll {idle * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
