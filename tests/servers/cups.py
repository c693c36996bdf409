"""A private CUPS whose printers put what they get into files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.processes import give_to_server, running, server_directory
from tests.servers.requirements import require

_FILES = """
ServerRoot {directory}/root
ServerBin {directory}/bin
RequestRoot {directory}/spool
CacheDir {directory}/cache
StateDir {directory}/run
TempDir {directory}/tmp
AccessLog {directory}/access.log
ErrorLog {directory}/error.log
PageLog {directory}/page.log
Printcap
"""
_CONFIG = """
Listen {host}:{port}
Browsing No
WebInterface No
DefaultAuthType None
<Location />
  Allow {host}
</Location>
<Location /admin>
  Allow {host}
</Location>
<Policy default>
  <Limit All>
    Allow {host}
  </Limit>
</Policy>
"""
# job, user, title, copies, options [, file]
_BACKEND = """#!/bin/sh
[ $# = 0 ] && exit 0
printf '%s' "$5" > '{papers}'/"$1".options
cat "${{6:--}}" > '{papers}'/"$1".part
mv '{papers}'/"$1".part '{papers}'/"$1".pdf
"""


@dataclass(frozen=True, slots=True)
class Cups:
    port: int
    papers: Path

    @property
    def server(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def admin(self, program: str, *arguments: str) -> None:
        """lpadmin, cupsdisable, cupsreject, …"""
        environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
        command = [program, "-h", self.server, *arguments]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    def printed(self, job: str, *, seconds: float = 10) -> tuple[bytes, str]:
        """What came out for „buero-12“, and the options, as soon as it is there. Raises TimeoutError."""
        number = job.rpartition("-")[2]
        deadline = time.monotonic() + seconds
        while not (paper := self.papers / f"{number}.pdf").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job} was not printed")
            time.sleep(0.02)
        return paper.read_bytes(), (self.papers / f"{number}.options").read_text("utf-8")


@contextmanager
def run_cups(queue: str) -> Iterator[Cups]:
    """A started server with one queue."""
    binary = require("cups")
    with server_directory("cups") as directory:
        cups = Cups(free_port(), directory / "papers")
        for name in ("root", "bin", "bin/backend", "spool", "cache", "run", "tmp", "papers"):
            (directory / name).mkdir()
        for name in ("daemon", "filter", "monitor"):
            (directory / "bin" / name).symlink_to(f"/usr/lib/cups/{name}")
        backend = directory / "bin/backend/ablage"
        backend.write_text(_BACKEND.format(papers=cups.papers), encoding="utf-8")
        backend.chmod(0o755)
        (directory / "files.conf").write_text(_FILES.format(directory=directory))
        (directory / "cupsd.conf").write_text(_CONFIG.format(host=LOOPBACK, port=cups.port))
        for path in directory.rglob("*"):
            if not path.is_symlink():
                give_to_server(path)
        files = ["-c", str(directory / "cupsd.conf"), "-s", str(directory / "files.conf")]
        with running([binary, "-f", *files], log=directory / "output.log"):
            wait_for_port(cups.port)
            cups.admin("lpadmin", "-p", queue, "-E", "-v", "ablage:/")
            yield cups
