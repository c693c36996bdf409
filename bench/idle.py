"""What push costs and brings: connections held by one watcher, and the time from delivery to the ticket.

    python -m bench.idle                     (1,000 TLS connections; 40 deliveries, embedded and fleet)
    python -m bench.idle connections [1000]  (against a scripted TLS server in a process of its own)
    python -m bench.idle latency [40]        (Dovecot, LMTP, the real serve; then workers on PostgreSQL)

Polls are ten minutes apart in the second part, so only push can be as quick as it says. Dovecot announces
half a second after a change at the earliest (its own delay, inotify as in production).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import psycopg

from tests.flows.installation import EMBEDDED, FLEET, installed, wait_until
from tests.flows.provisioning import company_file
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import run_dovecot
from tests.servers.empty_database import SQLITE
from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.processes import give_to_server, server_directory
from tests.servers.scripted import Peer
from tests.servers.scripted_mailbox import Mailbox
from tests.servers.smtp_sink import run_smtp_sink

_QUIET_SECONDS = 30
_TICKS = os.sysconf("SC_CLK_TCK")
_MAKE_ACCOUNTS = """
import django, sys; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_account
for number in range(int(sys.argv[1])):
    make_account(
        f"konto{number}@firma.example", imap_host="localhost", imap_port=int(sys.argv[2]),
        imap_encryption="ssl", tickets_enabled=True,
    )
"""
_WATCH = """
import django, sys, time; django.setup()
from pathlib import Path
from intake.watch import Watcher
watcher = Watcher(on_news=lambda account_id: None)
watcher.start()
while True:
    Path(sys.argv[1]).write_text(str(watcher.connections))
    time.sleep(0.1)
"""


def main(arguments: list[str]) -> None:
    part = arguments[0] if arguments else ""
    number = int(arguments[1]) if len(arguments) > 1 else 0
    if part == "serve":
        asyncio.run(_serve(int(arguments[1]), arguments[2], arguments[3], arguments[4]))
        return
    with server_directory("certificates") as directory:
        certificates = make_certificates(directory)
        for path in directory.iterdir():
            give_to_server(path)
        if part in ("", "connections"):
            measure_connections(number or 1000, certificates)
        if part in ("", "latency"):
            for kind in (EMBEDDED, FLEET):
                measure_latency(number or 40, certificates, kind)


def measure_connections(count: int, certificates: Certificates) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as folder:
        port, held, log = free_port(), Path(folder, "held"), Path(folder, "connects")
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "poststelle.settings",
            "POSTSTELLE_TLS_CA_FILE": str(certificates.ca_file),
            "POSTSTELLE_LOG_LEVEL": "ERROR",
        }
        make = [sys.executable, "-c", _MAKE_ACCOUNTS, str(count), str(port)]
        subprocess.run(make, env=environment, check=True)

        def now_held() -> int:
            with contextlib.suppress(ValueError, FileNotFoundError):
                return int(held.read_text())
            return 0

        watch = [sys.executable, "-c", _WATCH, str(held)]
        with _server(port, certificates, log), _process(watch, environment) as watcher:
            seconds = _time_until(lambda: now_held() >= count)
            print(
                f"{count} TLS connections: set up in {seconds:.1f} s, {_memory(watcher)}",
                flush=True,
            )
            used, begun = _processor(watcher), time.monotonic()
            time.sleep(_QUIET_SECONDS)
            share = (_processor(watcher) - used) / (time.monotonic() - begun)
            print(f"quiet for {_QUIET_SECONDS} s: {share:.1%} of a processor, {_memory(watcher)}")
            ended = time.monotonic()
            with contextlib.ExitStack() as restarted:
                _end_server(port)
                wait_until(lambda: now_held() == 0, seconds=60, what="all are lost")
                log.unlink(missing_ok=True)
                restarted.enter_context(_server(port, certificates, log))
                _time_until(lambda: now_held() >= count)
                per_second = Counter(int(float(line)) for line in log.read_text().split())
                print(
                    f"server killed and restarted: all back after {time.monotonic() - ended:.1f} s, "
                    f"at most {max(per_second.values())} connections in one second, {_memory(watcher)}",
                    flush=True,
                )


_servers: dict[int, subprocess.Popen[bytes]] = {}


@contextmanager
def _server(port: int, certificates: Certificates, log: Path) -> Iterator[None]:
    files = (str(certificates.valid.cert_file), str(certificates.valid.key_file))
    command = [sys.executable, "-m", "bench.idle", "serve", str(port), *files, str(log)]
    with _process(command, dict(os.environ)) as process:
        _servers[port] = process
        wait_for_port(port)
        yield


def _end_server(port: int) -> None:
    _servers[port].kill()
    _servers[port].wait()


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def _serve(port: int, cert: str, key: str, log: str) -> None:
    """The scripted server: every connection is an empty mailbox of its own."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with Path(log).open("a") as file:
            file.write(f"{time.time()}\n")
        with contextlib.suppress(ConnectionError):
            await Mailbox().serve(Peer(reader, writer, []))
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, port, ssl=context, backlog=2000)
    async with server:
        await server.serve_forever()


def measure_latency(count: int, certificates: Certificates, kind: str) -> None:
    user = f"eilig-{kind}@example.com"
    with (
        run_dovecot(certificates.valid, certificates.ca_file) as dovecot,
        run_smtp_sink() as sink,
        tempfile.TemporaryDirectory(prefix="bench-idle-") as folder,
        installed(kind, Path(folder), POSTSTELLE_POLL_SECONDS="600") as installation,
    ):
        installation.provision(company_file(dovecot, sink, support=user))
        installation.start()
        url = installation.environment.get("DATABASE_URL", "")
        with _tickets(url, Path(folder, SQLITE)) as has_ticket:
            dovecot.deliver(user, _mail("warm", 0))
            wait_until(lambda: has_ticket("warm 0"), seconds=120, what="the first mail is a ticket")
            times = []
            for number in range(count):
                time.sleep(1 + number % 5 / 10)  # not in step with anybody's interval
                dovecot.deliver(user, _mail("Anfrage", number))
                delivered = time.monotonic()
                subject = f"Anfrage {number}"
                while not has_ticket(subject):
                    time.sleep(0.005)
                times.append(time.monotonic() - delivered)
    times.sort()
    print(
        f"{kind}: {count} mails from LMTP to the committed ticket: "
        f"median {statistics.median(times):.2f} s, p95 {times[int(0.95 * (count - 1))]:.2f} s, "
        f"longest {times[-1]:.2f} s",
        flush=True,
    )


@contextmanager
def _tickets(url: str, file: Path) -> Iterator[Callable[[str], bool]]:
    """Asks the database, as another client of it, whether a ticket with this subject is committed."""
    question = "SELECT 1 FROM tickets_ticket WHERE subject = "
    if url:
        with psycopg.connect(url, autocommit=True) as server:
            yield lambda subject: bool(server.execute(question + "%s", (subject,)).fetchone())
        return
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        yield lambda subject: bool(database.execute(question + "?", (subject,)).fetchone())


def _mail(word: str, number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = f"kunde{number}@huber.example", "info@firma.example"
    message["Subject"], message["Message-ID"] = (
        f"{word} {number}",
        f"<{word}-{number}@huber.example>",
    )
    message.set_content("Guten Tag\n" * 20)
    return message.as_bytes()


def _time_until(is_so: Callable[[], bool]) -> float:
    begun = time.monotonic()
    wait_until(is_so, seconds=600, what="all are connected")
    return time.monotonic() - begun


def _memory(process: subprocess.Popen[bytes]) -> str:
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return f"{int(kilobytes) / 1024:.0f} MB"


def _processor(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main(sys.argv[1:])
