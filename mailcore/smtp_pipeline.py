"""Several SMTP commands in one go (RFC 2920): one round trip instead of one for each recipient.

aiosmtplib waits for every answer before the next command. While a group or a message is on its way, its
transport is read by a protocol of our own, at half the cost; afterwards aiosmtplib has it back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import aiosmtplib
from aiosmtplib import SMTPResponse
from aiosmtplib.protocol import SMTPProtocol

_LONGEST_LINE = 8_192  # bytes, as aiosmtplib bounds it
_MOST_LINES = 1_000  # of one answer
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def joined(commands: Sequence[bytes]) -> bytes:
    """Commands as they go in one write. Raises ValueError for what would be two in one."""
    for command in commands:
        if _CONTROL.search(command):
            raise ValueError("a command with a control character")
    return b"".join(command + b"\r\n" for command in commands)


async def exchange(
    owner: SMTPProtocol, data: bytes, expected: int, *, timeout: float
) -> tuple[list[SMTPResponse], Exception | None]:
    """Writes and waits: the answers in their order, and why there are fewer, where there are.

    It listens while it writes: a server may refuse and hang up half-way. `timeout`: seconds to wait
    for each answer. After an error the connection is of no use.
    """
    transport = owner.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    answers = _Answers(owner, expected)
    transport.set_protocol(answers)
    try:
        transport.write(data)
        while not answers.is_complete:
            await answers.wait(timeout)
    finally:
        transport.set_protocol(owner)
    return answers.found, answers.error


class _Answers(asyncio.Protocol):
    """Collects a number of answers; the end of the connection is passed on to its owner."""

    def __init__(self, owner: SMTPProtocol, expected: int) -> None:
        self._owner = owner
        self._expected = expected
        self._rest = b""
        self._lines: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self.found: list[SMTPResponse] = []
        self.error: Exception | None = None

    @property
    def is_complete(self) -> bool:
        return len(self.found) >= self._expected or self.error is not None

    async def wait(self, timeout: float) -> None:
        """Returns after news: further answers, or the end. After so many seconds that is an error."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = loop.call_later(timeout, self._time_out)
        try:
            await self._waiter
        finally:
            alarm.cancel()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > _LONGEST_LINE or len(self._lines) > _MOST_LINES:
            self.error = _not_smtp("Response too long")
        if lines or self.error:
            self._wake()

    def _take(self, line: bytes) -> None:
        if self.is_complete:
            return
        if not line[:3].isdigit() or len(line[:3]) < 3:
            self.error = _not_smtp(f"Malformed SMTP response line: {line[:200]!r}")
            return
        self._lines.append(line[4:].strip(b" \t\r"))
        if line[3:4] != b"-":
            text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
            self.found.append(SMTPResponse(int(line[:3]), text))
            self._lines.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        lost = aiosmtplib.SMTPServerDisconnected("Connection lost")
        lost.__cause__ = exc
        self.error = self.error or lost
        self._wake()
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def _time_out(self) -> None:
        late = aiosmtplib.SMTPReadTimeoutError("Timed out waiting for server response")
        self.error = self.error or late
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _not_smtp(text: str) -> aiosmtplib.SMTPResponseException:
    return aiosmtplib.SMTPResponseException(-1, text)
