"""A private Redis without persistence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.processes import running, server_directory
from tests.servers.requirements import require


@dataclass(frozen=True, slots=True)
class Redis:
    port: int

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"


@contextmanager
def run_redis(*, port: int = 0) -> Iterator[Redis]:
    """A started server, empty; on the port of one that ended where it shall take its place."""
    binary = require("redis")
    with server_directory("redis") as directory:
        server = Redis(port or free_port())
        options = ["--port", str(server.port), "--bind", LOOPBACK, "--dir", str(directory)]
        command = [binary, *options, "--save", "", "--appendonly", "no"]
        with running(command, log=directory / "output.log"):
            wait_for_port(server.port)
            yield server
