"""A private PostgreSQL in a temporary directory; durability is switched off."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.processes import running, server_directory, unprivileged
from tests.servers.requirements import require

_USER = "poststelle"


@dataclass(frozen=True, slots=True)
class Postgres:
    port: int
    user: str = _USER

    @property
    def url(self) -> str:
        """For DATABASE_URL; no password is asked for."""
        return f"postgres://{self.user}@{LOOPBACK}:{self.port}/postgres"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server that can be started again and again on the same data."""

    server: Postgres
    directory: Path
    command: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.server.url

    @contextmanager
    def started(self, stop_signal: signal.Signals = signal.SIGINT) -> Iterator[Postgres]:
        """SIGINT: a fast shutdown that does not wait for clients. SIGQUIT: as by a power cut."""
        log = self.directory / "output.log"
        with running(self.command, log=log, stop_signal=stop_signal):
            wait_for_port(self.server.port)
            _wait_until_it_takes_queries(self.server)
            yield self.server


@contextmanager
def run_postgres(*, fsync: bool = False) -> Iterator[Postgres]:
    """A started server; `fsync=True` where a test or a measurement is about durability or speed."""
    with postgres_cluster(fsync=fsync) as cluster, cluster.started() as server:
        yield server


@contextmanager
def postgres_cluster(*, fsync: bool = False, is_killed: bool = False) -> Iterator[Cluster]:
    """A database cluster that is not started yet. `is_killed`: what was committed has to outlive it."""
    binaries = Path(require("postgres"))
    with server_directory("postgres") as directory:
        server = Postgres(free_port())
        data = directory / "data"
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", _USER, "--auth=trust"]
        initdb += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(unprivileged(initdb), check=True, capture_output=True, cwd="/")
        switch = "on" if fsync else "off"
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(server.port),
            "unix_socket_directories": "",
            "fsync": switch,
            "synchronous_commit": "on" if is_killed else switch,
            "full_page_writes": switch,
            "max_connections": "100",
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        yield Cluster(server, directory, tuple(command))


def _wait_until_it_takes_queries(server: Postgres) -> None:
    """The port is open a moment before the database has started up."""
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(server.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
