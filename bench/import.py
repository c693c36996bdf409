"""How many mails per second one worker takes over from a real IMAP server: tickets, archive, search index.

    python -m bench.import [--mails 2000] [--rounds 3] [--databases sqlite,postgresql]
                           [--peers] [--delay 30] [--two-workers] [--mbox 2000]

One command starts everything it needs in temporary directories (Dovecot; PostgreSQL with fsync on) and ends
by itself. Every measurement is a process of its own on a fresh database; rounds alternate; medians count.
Beside the product, on the same mailbox: „fetch“ (imapclient at its best, nothing kept) and „fetch + parse“.

--peers        django-mailbox and django-helpdesk from PyPI, in throw-away environments (with fewer mails)
--delay MS     everything once more at this round trip
--two-workers  two processes take over two accounts at the same time (PostgreSQL)
--mbox N       manage.py import_mbox's path over a file of N mails
PROFILE=FILE   writes a cProfile of the product
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench import peers
from bench.mail_mix import make_mix
from bench.mailboxes import copy_mailbox
from bench.processor import used_below
from tests.servers.certificates import make_certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.free_port import free_port, wait_for_port
from tests.servers.postgres import Postgres, run_postgres
from tests.servers.processes import give_to_server, server_directory

ROOT = Path(__file__).resolve().parent.parent
_PEER_MAILS = 150  # they are slow


@dataclass
class Bench:
    work: Path
    dovecot: Dovecot
    postgres: Postgres | None
    results: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    made: int = 0

    def fresh(self, database: str) -> dict[str, str]:
        """The environment of an installation that has been migrated and is empty."""
        self.made += 1
        data = self.work / f"data-{self.made}"
        template = self.work / f"template-{database}"
        environment = {**os.environ, "DATA_DIR": str(data), "POSTSTELLE_LOG_LEVEL": "WARNING"}
        environment.pop("DATABASE_URL", None)
        if not template.exists():
            template.mkdir()
            self._migrate(database, environment | {"DATA_DIR": str(template)})
        shutil.copytree(template, data)
        if database == "postgresql":
            environment["DATABASE_URL"] = self._create(f"bench{self.made}", "template_bench")
        return environment

    def _migrate(self, database: str, environment: dict[str, str]) -> None:
        if database == "postgresql":
            environment["DATABASE_URL"] = self._create("template_bench", "template1")
        child(["migrate"], environment)

    def _create(self, name: str, template: str) -> str:
        assert self.postgres is not None
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            connection.execute("CHECKPOINT")
        return self.postgres.url.rpartition("/")[0] + f"/{name}"

    def copy_mailbox(self, user: str, count: int = 0) -> str:
        """Another user with the same mails (the first `count`): peers delete what they fetched."""
        self.made += 1
        other = f"copy{self.made}@poststelle.example"
        copy_mailbox(self.dovecot, user, other, most=count)
        return other

    def measure(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
        before = [used_below(os.getpid(), one) for one in ("postgres", "dovecot")]
        found = json.loads(child(arguments, environment))
        after = [used_below(os.getpid(), one) for one in ("postgres", "dovecot")]
        found["database"], found["server"] = (b - a for a, b in zip(before, after, strict=True))
        self.add(name, found)

    def add(self, name: str, found: dict[str, float]) -> None:
        self.results[name].append(found)
        print(f"  {name:28s} {found['done'] / found['seconds']:7.0f}/s", file=sys.stderr)

    def print(self) -> None:
        print(f"\n{'':28s} mails/s    processor ms per mail")
        print(f"{'':28s}  median    ours  database  IMAP server")
        for name, rounds in self.results.items():
            speed = statistics.median(one["done"] / one["seconds"] for one in rounds)
            parts = [
                1000 * statistics.median(one.get(key, 0) / one["done"] for one in rounds)
                for key in ("processor", "database", "server")
            ]
            print(f"{name:28s} {speed:7.0f} {parts[0]:7.1f} {parts[1]:8.1f} {parts[2]:8.1f}")

    def speed(self, name: str) -> float:
        rounds = self.results[name]
        return statistics.median(one["done"] / one["seconds"] for one in rounds) if rounds else 0


def child(arguments: Sequence[str], environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "bench.measure_import", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip().rpartition("\n")[2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--delay", type=int, default=0)
    parser.add_argument("--two-workers", action="store_true")
    parser.add_argument("--mbox", type=int, default=0)
    options = parser.parse_args()
    # Whoever ends it ends its servers, too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    databases = options.databases.split(",")
    with ExitStack() as stack:
        bench = stack.enter_context(_servers(needs_postgres="postgresql" in databases))
        user = "bench@poststelle.example"
        mails = list(make_mix(options.mails, seed=7))
        size = sum(map(len, mails)) / len(mails) / 1000
        bench.dovecot.append(user, "INBOX", mails)
        print(f"{len(mails)} mails of {size:.0f} kB, {options.rounds} rounds", file=sys.stderr)
        ports = {"": bench.dovecot.imap_port}
        if options.delay:
            ports[f" at {options.delay} ms"] = stack.enter_context(
                _delayed(bench.dovecot.imap_port, options.delay)
            )
        for _ in range(options.rounds):
            for suffix, port in ports.items():
                _measure_once(bench, user, port, suffix, databases)
        if options.two_workers:
            _measure_two_workers(bench, user, options.rounds)
        if options.mbox:
            _measure_mbox(bench, options.mbox, databases)
        if options.peers:
            _measure_peers(bench, user, ports, databases)
        bench.print()
        _print_ratios(bench, ports, databases)


@contextmanager
def _servers(*, needs_postgres: bool) -> Iterator[Bench]:
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        directory = stack.enter_context(server_directory("certificates"))
        certificates = make_certificates(directory)
        for path in directory.iterdir():
            give_to_server(path)
        dovecot = stack.enter_context(run_dovecot(certificates.valid, certificates.ca_file))
        postgres = stack.enter_context(run_postgres(fsync=True)) if needs_postgres else None
        yield Bench(work, dovecot, postgres)


@contextmanager
def _delayed(target: int, delay: int) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.delay_proxy", str(port), str(target), str(delay)]
    with subprocess.Popen(command, cwd=ROOT) as proxy:
        try:
            wait_for_port(port)
            yield port
        finally:
            proxy.terminate()


def _measure_once(
    bench: Bench, user: str, port: int, suffix: str, databases: Sequence[str]
) -> None:
    for database in databases:
        bench.measure(database + suffix, ["product", user, str(port)], bench.fresh(database))
    if databases:
        environment = bench.fresh(databases[0])
        bench.measure(f"fetch{suffix}", ["fetch", user, str(port)], environment)
        bench.measure(f"fetch + parse{suffix}", ["parse", user, str(port)], environment)


def _measure_two_workers(bench: Bench, user: str, rounds: int) -> None:
    port = str(bench.dovecot.imap_port)
    for _ in range(rounds):
        users = [bench.copy_mailbox(user) for _ in range(2)]
        environment = bench.fresh("postgresql")
        started = time.perf_counter()
        command = [sys.executable, "-m", "bench.measure_import", "product"]
        running = [
            subprocess.Popen(
                [*command, one, port],
                cwd=ROOT,
                env=environment | {"DATA_DIR": f"{environment['DATA_DIR']}"},
                stdout=subprocess.PIPE,
                text=True,
            )
            for one in users
        ]
        found = [json.loads(one.communicate()[0].strip().rpartition("\n")[2]) for one in running]
        assert time.perf_counter() > started
        both = {key: sum(one[key] for one in found) for key in ("done", "processor")}
        bench.add("two workers, postgresql", both | {"seconds": max(o["seconds"] for o in found)})


def _measure_mbox(bench: Bench, count: int, databases: Sequence[str]) -> None:
    path = bench.work / "mails.mbox"
    with path.open("wb") as file:
        for raw in make_mix(count, seed=8):
            file.write(b"From kunde@huber.example Fri Jul  8 12:08:34 2011\n")
            lines = raw.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
            file.write(lines + b"\n\n")
    for database in databases:
        bench.measure(f"import_mbox, {database}", ["mbox", str(path)], bench.fresh(database))


def _measure_peers(
    bench: Bench, user: str, ports: dict[str, int], databases: Sequence[str]
) -> None:
    for peer in peers.PEERS:
        try:
            python = peers.install(peer, bench.work)
            for suffix, port in ports.items():
                for database in databases:
                    bench.made += 1
                    place = bench.work / f"peer-{bench.made}"
                    place.mkdir()
                    url = ""
                    if database == "postgresql" and bench.postgres:
                        name = f"peer{bench.made}"
                        bench._create(name, "template0")
                        url = f"{bench.postgres.port}/{name}"
                    found = peers.measure(
                        peer,
                        python,
                        user=bench.copy_mailbox(user, _PEER_MAILS),
                        port=port,
                        database=url,
                        directory=place,
                    )
                    bench.add(f"{peer.name}, {database}{suffix}", found)
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"{peer.name} could not be measured: {error}", file=sys.stderr)


def _print_ratios(bench: Bench, ports: dict[str, int], databases: Sequence[str]) -> None:
    print()
    for suffix in ports:
        for database in databases:
            ours = bench.speed(database + suffix)
            limits = [f"fetch + parse{suffix}", f"fetch{suffix}"]
            if database == "postgresql" and not suffix:
                limits.append("two workers, postgresql")
            limits += [f"{peer.name}, {database}{suffix}" for peer in peers.PEERS]
            for name in limits:
                if bench.speed(name):
                    print(f"{database}{suffix} : {name} = {ours / bench.speed(name):.2f}")


if __name__ == "__main__":
    main()
