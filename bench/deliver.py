"""What one outgoing worker delivers, beside plain aiosmtplib with as many connections to the same server.

    python -m bench.deliver [--databases sqlite,postgres] [--servers sink,dovecot] [--connections 1,4,10]
                            [--sizes 10,200] [--messages 400] [--rounds 5] [--beside-sick]

`sink`: smtp-sink of Debian's postfix package (SMTP_SINK=path elsewhere), else aiosmtpd in this process;
plain text, no login. `dovecot`: a submission server with STARTTLS and AUTH that relays to that sink.
SQLite runs with synchronous=FULL, PostgreSQL with fsync: both as in production. The rounds of both
sides alternate; shown are the medians. `--beside-sick` compares our worker with itself instead: a
healthy account alone, and beside one whose server never answers and one whose recipients are all
refused. Everything is made in temporary directories and removed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import aiosmtplib
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.servers.certificates import make_certificates
from tests.servers.dovecot import PASSWORD, run_dovecot
from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.postgres import run_postgres
from tests.servers.processes import give_to_server, running, server_directory

SENDER, USER = "support@firma.example", "support@firma.example"


@dataclass(frozen=True, slots=True)
class Server:
    """Where both sides send to; `ca_file`: STARTTLS and a login are wanted."""

    name: str
    port: int
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    servers: tuple[Server, ...]
    connections: tuple[int, ...]
    sizes: tuple[int, ...]  # kB
    messages: int
    rounds: int
    refusing: Server | None = None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--servers", default="sink,dovecot")
    parser.add_argument("--connections", default="1,4,10")
    parser.add_argument("--sizes", default="10,200")
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside-sick", action="store_true")
    wanted = parser.parse_args()
    names = ["sink", "refusing"] if wanted.beside_sick else wanted.servers.split(",")
    with _servers(names) as servers:
        plan = Plan(
            servers,
            tuple(int(word) for word in wanted.connections.split(",")),
            tuple(int(word) for word in wanted.sizes.split(",")),
            wanted.messages,
            wanted.rounds,
            servers[1] if wanted.beside_sick else None,
        )
        print(f"sink: {'smtp-sink' if _smtp_sink() else 'aiosmtpd'}")
        print(f"one sync of the disk: {disk_sync():.2f} ms")
        for database in wanted.databases.split(","):
            with _database(database) as url, tempfile.TemporaryDirectory() as data:
                _measure_in_process(plan, url, data)


# --- servers and databases --------------------------------------------------------------------------


@contextlib.contextmanager
def _servers(names: Sequence[str]) -> Iterator[tuple[Server, ...]]:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(server_directory("bench"))
        found = []
        if "sink" in names:
            port = free_port()
            stack.enter_context(_sink(port, directory))
            found.append(Server("sink", port))
        if "refusing" in names:
            port = free_port()
            stack.enter_context(_aiosmtpd(port, "550 5.1.1 no such person"))
            found.append(Server("refusing", port))
        if "dovecot" in names:
            certificates = make_certificates(directory)
            for path in directory.iterdir():
                give_to_server(path)
            dovecot = stack.enter_context(
                run_dovecot(certificates.valid, certificates.ca_file, extra=_MANY_CLIENTS)
            )
            stack.enter_context(_sink(dovecot.relay_port, directory))
            found.append(Server("dovecot", dovecot.submission_port, str(certificates.ca_file)))
        yield tuple(found)


_MANY_CLIENTS = "service submission-login {\n service_count = 0\n}\n"


@contextlib.contextmanager
def _sink(port: int, directory: Path) -> Iterator[None]:
    """smtp-sink, or aiosmtpd in a process of its own."""
    binary = _smtp_sink()
    if not binary:
        with _aiosmtpd(port, "250 2.1.5 OK"):
            yield
        return
    command = [binary, f"{LOOPBACK}:{port}", "1000"]
    with running(command, log=directory / f"sink-{port}.log"):
        wait_for_port(port)
        yield


def _smtp_sink() -> str | None:
    return os.environ.get("SMTP_SINK") or shutil.which("smtp-sink", path=os.defpath + ":/usr/sbin")


@contextlib.contextmanager
def _aiosmtpd(port: int, to_recipient: str) -> Iterator[None]:
    """In a thread of this process, which has nothing else to do while its child measures."""
    controller = Controller(_Sink(to_recipient), hostname=LOOPBACK, port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@dataclass(frozen=True, slots=True)
class _Sink:
    to_recipient: str

    async def handle_RCPT(
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.to_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, *_: object) -> str:
        return "250 2.0.0 queued"


@contextlib.contextmanager
def _database(name: str) -> Iterator[str]:
    if name == "sqlite":
        yield ""
        return
    with run_postgres(fsync=True) as postgres:
        yield postgres.url


def _measure_in_process(plan: Plan, url: str, data: str) -> None:
    """The settings are read once in a process: each database gets one."""
    environment = {
        **os.environ,
        "DATA_DIR": data,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "SECRET_KEY": "only for this measurement " * 3,
        "POSTSTELLE_LOG_LEVEL": "ERROR",
        "POSTSTELLE_TLS_CA_FILE": next((s.ca_file for s in plan.servers if s.ca_file), ""),
    }
    command = [sys.executable, "-m", "bench.deliver_side", json.dumps(asdict(plan))]
    subprocess.run(command, env=environment, check=True)


# --- plain aiosmtplib -------------------------------------------------------------------------------


def send_plain(server: Server, messages: Sequence[tuple[str, bytes]], connections: int) -> Time:
    """The time that aiosmtplib alone needs for (recipient, bytes), connecting included."""

    async def lane(queue: Iterator[tuple[str, bytes]], context: ssl.SSLContext | None) -> None:
        client = aiosmtplib.SMTP(
            hostname="localhost" if context else LOOPBACK,
            port=server.port,
            start_tls=bool(context),
            tls_context=context,
            username=USER if context else None,
            password=PASSWORD if context else None,
        )
        async with client:
            for recipient, raw in queue:
                await client.sendmail(SENDER, [recipient], raw)

    async def everything() -> None:
        queue = iter(messages)
        context = ssl.create_default_context(cafile=server.ca_file) if server.ca_file else None
        await asyncio.gather(*(lane(queue, context) for _ in range(connections)))

    return timed(lambda: asyncio.run(everything()))


@dataclass(frozen=True, slots=True)
class Time:
    seconds: float
    processor: float  # of this process; the server has its own


def timed(work: Callable[[], None]) -> Time:
    started, used = time.perf_counter(), time.process_time()
    work()
    return Time(time.perf_counter() - started, time.process_time() - used)


def make_text(kilobytes: int, seed: int) -> str:
    """German-looking text of that size: it compresses as real mail does."""
    dice = random.Random(seed)
    words = [f"{dice.choice('aeiou')}{dice.randrange(10_000)}wort" for _ in range(200)]
    lines = []
    size = 0
    while size < kilobytes * 1000:
        lines.append(" ".join(dice.choices(words, k=8)))
        size += len(lines[-1]) + 2
    return "\n".join(lines)


def show(title: str, plain: Sequence[Time], ours: Sequence[Time], messages: int) -> None:
    """One line of the result: rates, their ratio, and the processor time of a message."""
    sides = []
    for name, times in (("aiosmtplib", plain), ("worker", ours)):
        rate = messages / statistics.median(one.seconds for one in times)
        used = 1000 * statistics.median(one.processor for one in times) / messages
        sides.append((name, rate, used))
    text = "   ".join(f"{name} {rate:6.0f}/s ({used:.2f} ms)" for name, rate, used in sides)
    print(f"{title:42} {text}   {sides[1][1] / sides[0][1]:5.0%}", flush=True)


def disk_sync() -> float:
    """Milliseconds that the disk needs to keep 4 kB for good: the least a commit can cost."""
    with tempfile.NamedTemporaryFile() as file:
        taken = []
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


if __name__ == "__main__":
    main()
