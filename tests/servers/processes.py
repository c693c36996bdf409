"""Starting a server as a child process in its own temporary directory, and ending exactly that one."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = "nobody"


def is_root() -> bool:
    return os.geteuid() == 0


def server_user() -> str:
    """Who the servers run as: nobody under root (Dovecot and PostgreSQL refuse root), else us."""
    return UNPRIVILEGED if is_root() else pwd.getpwuid(os.geteuid()).pw_name


def server_group() -> str:
    return grp.getgrgid(pwd.getpwnam(server_user()).pw_gid).gr_name


def unprivileged(command: Sequence[str]) -> list[str]:
    """The command, run as `server_user`."""
    if not is_root():
        return list(command)
    drop = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={server_group()}", "--clear-groups"]
    return [*drop, *command]


@contextmanager
def server_directory(name: str) -> Iterator[Path]:
    """A short temporary path (Unix sockets bear 107 characters) that the server's user owns."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    try:
        path.chmod(0o755)
        give_to_server(path)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def give_to_server(path: Path) -> None:
    if is_root():
        shutil.chown(path, UNPRIVILEGED, server_group())


@contextmanager
def running(
    command: Sequence[str], *, log: Path, stop_signal: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, started as the unprivileged user and stopped by its pid afterwards.

    The kernel stops it, too, should we be killed before. Start it from the main thread: that is what it
    follows.
    """
    following = ["setpriv", f"--pdeathsig={stop_signal.name.removeprefix('SIG')}", "--", *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            unprivileged(following), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
        )
    try:
        yield process
    finally:
        process.send_signal(stop_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
