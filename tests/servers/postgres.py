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


@contextmanager
def run_postgres(*, fsync: bool = False) -> Iterator[Postgres]:
    """A started server; `fsync=True` where a test or a measurement is about durability or speed."""
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
            "synchronous_commit": switch,
            "full_page_writes": switch,
            "max_connections": "100",
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        # SIGINT: a fast shutdown that does not wait for clients.
        with running(command, log=directory / "output.log", stop_signal=signal.SIGINT):
            wait_for_port(server.port)
            _wait_until_it_takes_queries(server)
            yield server


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
