"""How much memory a worker has at most while it takes over very large mails.

    python -m bench.memory [MB] [COUNT]      (50 MB, 3 mails; SQLite)

A fresh process polls a real IMAP server; its peak (VmHWM) and that of the reading process are printed,
beside what the same process needs without any mail. Target: below 200 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from bench.mail_mix import make_mix
from tests.servers.certificates import make_certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.processes import give_to_server, server_directory

ROOT = Path(__file__).resolve().parent.parent
_POLL = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from intake.poll import poll_account
from tests.factories import make_account
def peak_of(process):
    status = dict(line.split(":", 1) for line in open(f"/proc/{process}/status"))
    return int(status["VmHWM"].split()[0])
# What the kernel says of an ended child counts what it shared with us before it became the reader.
from mailcore.read_beside import ReaderProcess
beside, close = [0], ReaderProcess.close
def note_and_close(reader):
    if reader._process is not None:
        beside.append(peak_of(reader._process.pid))
    close(reader)
ReaderProcess.close = note_and_close
account = make_account(
    sys.argv[1], imap_host="127.0.0.1", imap_port=int(sys.argv[2]), since_date=None,
    tickets_enabled=True, archive_enabled=True,
)
poll_account(account.pk)
print("before", peak_of("self")); sys.stdout.flush()
open("/proc/self/clear_refs", "w").write("5")
sys.stdin.readline()
summary = poll_account(account.pk)
print("peak", peak_of("self"))
print("beside", max(beside))
print("done", summary.counts.done)
"""


def make_large(megabytes: int, number: int) -> bytes:
    """A text with a file; in base64 it has about the wanted size."""
    message = EmailMessage()
    message["From"], message["To"] = "kunde@huber.example", "info@poststelle.example"
    message["Subject"], message["Message-ID"] = f"Pläne {number}", f"<{number}@huber.example>"
    message.set_content("Anbei die Pläne.\n")
    content = os.urandom(megabytes * 1_000_000 * 72 // 100)
    message.add_attachment(content, "application", "zip", filename="Pläne.zip")
    return message.as_bytes()


@contextmanager
def running_dovecot() -> Iterator[Dovecot]:
    with server_directory("certificates") as directory:
        certificates = make_certificates(directory)
        for path in directory.iterdir():
            give_to_server(path)
        with run_dovecot(certificates.valid, certificates.ca_file) as server:
            yield server


def measure(server: Dovecot, user: str, mails: list[bytes]) -> dict[str, int]:
    """Kilobytes: `before`, `peak`, `beside` (the reading process)."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [sys.executable, "-c", _POLL, user, str(server.imap_port)],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": data, "POSTSTELLE_LOG_LEVEL": "WARNING"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        server.append(user, "INBOX", mails)
        rest, _ = process.communicate("\n")
    found = {key: int(value) for key, value in map(str.split, [first, *rest.splitlines()])}
    assert found["done"] == len(mails), found
    return found


def main(megabytes: int, count: int) -> None:
    with running_dovecot() as server:
        large = [make_large(megabytes, number) for number in range(count)]
        for name, mails in (
            (f"{count} mails of {megabytes} MB", large),
            ("a backlog of 400 mails of the mix", list(make_mix(400))),
        ):
            found = measure(server, f"{len(mails)}@poststelle.example", mails)
            print(
                f"{name}: {found['before'] / 1024:.0f} MB before, "
                f"at most {found['peak'] / 1024:.0f} MB"
                + (f" and {found['beside'] / 1024:.0f} MB beside" if found["beside"] else "")
            )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]
    main(*(numbers + [50, 3][len(numbers) :]))
