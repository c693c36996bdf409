"""A group of messages is read and its bytes are kept, outside any transaction and before any row.

In a backlog the reading is done by a process beside this one; see read_ahead.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from intake.models import IntakeItem
from intake.poll_run import PollRun
from mailcore.read_beside import ReaderDied, ReaderProcess
from mailcore.read_mail import OurMarks, Raw, ReadMail, read_each
from mailstore.blobs import put_blobs
from mailstore.ids import message_id_keys


@dataclass(frozen=True, slots=True)
class Fetched:
    """A ledger row and the bytes the server gave for it."""

    item: IntakeItem
    raw: bytes
    sha256: str = ""  # set where the bytes stand in the blob store already


@dataclass(frozen=True, slots=True)
class Read:
    """A message read and its bytes kept."""

    item: IntakeItem
    raw: bytes
    sha256: str
    mail: ReadMail


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that could not even be read."""

    item: IntakeItem
    raw: bytes
    error: Exception


class GroupReading:
    """Begins when it is made: the bytes are written at once, with `beside` the messages read too."""

    def __init__(
        self, fetched: Sequence[Fetched], run: PollRun, *, beside: ReaderProcess | None = None
    ) -> None:
        self.fetched = list(fetched)
        self._ours = OurMarks(run.own, message_id_keys())
        self._beside = beside
        if beside is not None:
            with suppress(ReaderDied):  # `_read` hears of it again and tries one by one
                beside.begin(self._raws(), self._ours)
        writer = ThreadPoolExecutor(1)
        self._writing: Future[list[str]] = writer.submit(_keep, self.fetched)
        writer.shutdown(wait=False)
        self._read_mails: list[Read | Unreadable] | None = None

    def finish(self) -> list[Read | Unreadable]:
        """What was read, in order. May be called again. Raises OSError if the bytes could not be kept."""
        if self._read_mails is None:
            self._read_mails = self._finish()
        return self._read_mails

    def _finish(self) -> list[Read | Unreadable]:
        mails = self._read()
        hashes = self._writing.result()
        return [
            Unreadable(one.item, one.raw, mail)
            if isinstance(mail, Exception)
            else Read(one.item, one.raw, sha256, mail)
            for one, sha256, mail in zip(self.fetched, hashes, mails, strict=True)
        ]

    def give_up(self) -> None:
        """The group is not taken over now; waits until nothing of it is being done any more."""
        if self._beside is not None:
            self._beside.close()
        self._writing.exception()

    def _raws(self) -> list[Raw]:
        return [Raw(one.raw, one.item.internal_date) for one in self.fetched]

    def _read(self) -> Sequence[ReadMail | Exception]:
        if self._beside is None:
            return read_each(self._raws(), self._ours)
        try:
            return self._beside.finish()
        except ReaderDied as error:
            if len(self.fetched) == 1:
                return [error]
        return [self._read_alone(raw, self._beside) for raw in self._raws()]

    def _read_alone(self, raw: Raw, beside: ReaderProcess) -> ReadMail | Exception:
        """After the process died over the group: the message that does it dies alone."""
        try:
            beside.begin([raw], self._ours)
            return beside.finish()[0]
        except ReaderDied as error:
            return error


def _keep(fetched: Sequence[Fetched]) -> list[str]:
    written = iter(put_blobs([one.raw for one in fetched if not one.sha256]))
    return [one.sha256 or next(written) for one in fetched]
