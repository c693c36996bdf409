# ruff: noqa: E402
"""One measurement in a process of its own; bench/import.py starts it and reads the line it prints.

python -m bench.measure_import migrate
python -m bench.measure_import product|fetch|parse USER IMAP_PORT
python -m bench.measure_import mbox FILE
"""

from __future__ import annotations

import cProfile
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")

import django

django.setup()

import imapclient
from django.core.management import call_command

from intake.import_mail import import_mail
from intake.poll import poll_account
from mailaccounts.models import MailFolder
from mailcore.parse import parse
from tests.factories import make_account
from tests.servers.dovecot import PASSWORD

_BATCH = 50


def product(user: str, port: int) -> Callable[[], int]:
    account = make_account(
        user,
        imap_host="127.0.0.1",
        imap_port=port,
        tickets_enabled=True,
        archive_enabled=True,
        since_date=None,
    )
    return lambda: poll_account(account.pk).counts.done


def mbox(path: str) -> Callable[[], int]:
    account = make_account("mbox@poststelle.example", tickets_enabled=True, archive_enabled=True)
    purpose = MailFolder.Purpose.TICKETS
    return lambda: (
        import_mail(Path(path), account, folder_name="Import", purpose=purpose).counts.done
    )


def fetch(user: str, port: int, use: Callable[[bytes], object] = len) -> Callable[[], int]:
    """What imapclient can do at best: nothing is kept."""

    def run() -> int:
        with imapclient.IMAPClient("127.0.0.1", port, ssl=False, timeout=60) as client:
            client._imap.debug = 0
            client.login(user, PASSWORD)
            client.select_folder("INBOX", readonly=True)
            uids = client.search("ALL")
            for start in range(0, len(uids), _BATCH):
                found = client.fetch(uids[start : start + _BATCH], ["BODY.PEEK[]"])
                for values in found.values():
                    use(values[b"BODY[]"])
            return len(uids)

    return run


def main(kind: str, *arguments: str) -> None:
    if kind == "migrate":
        call_command("migrate", verbosity=0)
        return
    if kind == "mbox":
        run = mbox(arguments[0])
    else:
        user, port = arguments[0], int(arguments[1])
        run = {
            "product": lambda: product(user, port),
            "fetch": lambda: fetch(user, port),
            "parse": lambda: fetch(user, port, parse),
        }[kind]()
    is_profiled = kind in ("product", "mbox") and os.environ.get("PROFILE")
    profile = cProfile.Profile() if is_profiled else None
    started, before = time.perf_counter(), _processor()
    if profile:
        profile.enable()
    done = run()
    if profile:
        profile.disable()
        profile.dump_stats(os.environ["PROFILE"])
    seconds = time.perf_counter() - started
    used = _processor() - before
    print(json.dumps({"done": done, "seconds": seconds, "processor": used}))


def _processor() -> float:
    """Ours and that of the reading process, which has ended by now."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    main(*sys.argv[1:])
