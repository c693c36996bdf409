"""Reads messages in a process of its own, on the other processor, while this one stores the last ones.

The process knows nothing but mailcore. It ends when this one closes its end of the connection or dies.
"""

from __future__ import annotations

import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from mailcore.read_mail import OurMarks, Raw, ReadMail, read_each

_LONGEST = 600.0  # seconds for one group: then it is taken for dead
_ROOT = Path(__file__).resolve().parent.parent


class ReaderDied(Exception):
    """The process ended or hung while it read; one of the messages may have done it."""


class ReaderProcess:
    """Reads one group at a time. The process is started at the first one, or by `start`."""

    module = __name__

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def begin(self, raws: Sequence[Raw], ours: OurMarks) -> None:
        """Hands a group over; `finish` must follow before the next. Raises ReaderDied."""
        try:
            connection = self.start()
            connection.send(([raw.received_at for raw in raws], ours))
            for raw in raws:
                connection.send_bytes(
                    raw.content
                )  # as they are: pickled they would be copied twice
        except OSError as error:
            self.close()
            raise ReaderDied("the reading process does not listen") from error

    def finish(self) -> list[ReadMail | Exception]:
        """What was read in the group, in its order. Raises ReaderDied."""
        connection = self._connection
        if connection is None:
            raise ReaderDied("the reading process died")
        try:
            if not connection.poll(_LONGEST):
                raise ReaderDied("the reading process does not answer")
            found: list[ReadMail | Exception] = connection.recv()
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self.close()
            raise ReaderDied("the reading process died") from error
        except ReaderDied:
            self.close()
            raise
        return found

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def start(self) -> Connection:
        """Starts the process where it does not run."""
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - ourselves
                    [sys.executable, "-m", self.module, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    cwd=_ROOT,
                )
            self._connection = Connection(ours.detach())
        return self._connection


def serve(descriptor: int) -> None:
    """The process's own side: answers until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one we read for
    with Connection(descriptor) as connection:
        while True:
            try:
                moments, ours = connection.recv()
                raws = [Raw(connection.recv_bytes(), moment) for moment in moments]
                connection.send(read_each(raws, ours))
            except (EOFError, OSError):
                return


if __name__ == "__main__":
    serve(int(sys.argv[1]))
