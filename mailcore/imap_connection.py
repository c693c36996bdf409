"""One IMAP connection on our own socket: limits for every answer, STARTTLS, IDLE that never blocks."""

from __future__ import annotations

import imaplib
import io
import re
import select
import socket
import ssl
import time
from collections.abc import Callable

from mailcore.server import Encryption, ServerLogin, open_socket, wrap_tls

_MIN_BYTES_PER_SECOND = 1_000  # below this a server is not slow but stuck
_MAX_LINE_BYTES = 300_000  # of one answer, beyond which lines do not count as progress
_MAX_LITERAL = 1 << 30  # a server's announced size is believed up to 1 GiB
_MAX_LINE = 16 << 20  # a SEARCH answers in one line: a million UIDs
_MAX_IDLE_LINE = 1 << 20
_SEND_CHUNK = 1 << 18  # sendall's time-out is for the whole call, so large messages go in pieces
_EARLY = 1 << 12  # bytes read without waiting; a thousand connections are small together
_PROGRESS_SECONDS = 30
_LITERAL_AT_END = re.compile(rb"\{(\d+)\+?\}\r?\n$")


class _SocketReader(io.RawIOBase):
    """Bytes from a socket: a time-out per read, and a least speed for each command's answer."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        super().__init__()
        self._sock = sock
        self.timeout = timeout
        self.on_progress: Callable[[], None] | None = None
        self.line_bytes = 0
        self.restart()

    def restart(self) -> None:
        """A command was sent: its answer is measured from here."""
        self._started = self._told = time.monotonic()
        self._received = self.line_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        now = time.monotonic()
        overtime = now - self._started - self.timeout
        # A server that talks and talks without answering is stuck, too.
        progress = self._received - max(0, self.line_bytes - _MAX_LINE_BYTES)
        if overtime > 0 and progress < overtime * _MIN_BYTES_PER_SECOND:
            raise TimeoutError("the server answers too slowly")
        if self.on_progress is not None and now - self._told > _PROGRESS_SECONDS:
            self._told = now
            self.on_progress()
        count = self._sock.recv_into(buffer)
        self._received += count
        return count


class Connection(imaplib.IMAP4):
    """imaplib over our own socket and reader (its own has neither limits nor TCP_NODELAY)."""

    def __init__(self, login: ServerLogin) -> None:
        self._server_login = login
        self._idle_tag = b""
        self._has_news = False  # a message arrived during IDLE and nobody was told yet
        self._pending = bytearray()  # read without waiting, not yet understood
        super().__init__(login.host, login.port)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        login = self._server_login
        self.sock = open_socket(login)
        if login.encryption is Encryption.SSL:
            self.sock = wrap_tls(self.sock, login)
        self._start_reading()

    def _start_reading(self) -> None:
        self._raw_reader = _SocketReader(self.sock, self._server_login.timeout)
        self._reader = io.BufferedReader(self._raw_reader, 1 << 16)

    def limit_time(self, seconds: float) -> None:
        """From here on the server has this long at most for an answer."""
        self._raw_reader.timeout = min(self._raw_reader.timeout, seconds)
        self.sock.settimeout(self._raw_reader.timeout)

    def tell_progress(self, tell: Callable[[], None]) -> None:
        """`tell` is called every half minute while a long answer is coming in."""
        self._raw_reader.on_progress = tell

    def read(self, size: int) -> bytes:
        if size > _MAX_LITERAL:
            raise self.abort(f"the server announces {size} bytes")
        early = bytes(self._pending[:size])
        del self._pending[:size]
        return early + self._reader.read(size - len(early)) if len(early) < size else early

    def readline(self) -> bytes:
        end = self._pending.find(b"\n") + 1
        line = bytes(self._pending[: end or None])
        del self._pending[: len(line)]
        if not end:
            line += self._reader.readline(_MAX_LINE + 1)
        if len(line) > _MAX_LINE:
            raise self.abort("the server's line does not end")
        self._raw_reader.line_bytes += len(line)
        return line

    def send(self, data: bytes) -> None:  # type: ignore[override]
        for start in range(0, len(data), _SEND_CHUNK):
            self.sock.sendall(data[start : start + _SEND_CHUNK])
        self._raw_reader.restart()

    def shutdown(self) -> None:
        self._reader.close()
        self.sock.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[str, list[object]]:  # type: ignore[override]
        typ, data = self._simple_command("STARTTLS")
        if typ != "OK":
            raise self.error(f"STARTTLS: {data!r}")
        if self._pending or self._read_early():
            # Plain text behind the answer would be read as if it had come encrypted.
            raise self.abort("the server sent plain text after STARTTLS")
        self.sock = wrap_tls(self.sock, self._server_login)
        self._tls_established = True
        self._start_reading()
        self._get_capabilities()
        return typ, data

    def _read_early(self) -> bool:
        """Takes what is there without waiting, from our buffer, TLS's and the kernel's."""
        self._raw_reader.restart()
        self.sock.settimeout(0)
        try:
            data = self._reader.read1(_EARLY)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self.sock.settimeout(self._raw_reader.timeout)
        if not data:
            raise self.abort("socket error: EOF")
        self._pending += data
        return True

    def start_idle(self) -> None:
        """Sends IDLE and waits for the server's consent (RFC 2177)."""
        self._has_news = False
        self._idle_tag = self._command("IDLE")
        while self._next_idle_line() is not None:
            refusal = self.tagged_commands[self._idle_tag]
            if refusal:
                raise self.error(f"IDLE: {refusal!r}")

    def wait_for_exists(self, timeout: float) -> bool:
        """During IDLE: has a message arrived, now or within `timeout` seconds?

        Waits for the start of news only, never for the rest of a line that a server holds back.
        """
        deadline = time.monotonic() + timeout
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        has_read = False
        while True:
            self._understand_pending()
            if self._has_news:
                return self._take_news()
            remaining = deadline - time.monotonic()
            if has_read and remaining < 0:
                return False  # somebody who never stops talking
            if self._read_early():
                has_read = True
            else:
                if remaining <= 0 or not poller.poll(remaining * 1000):
                    return False

    def _understand_pending(self) -> None:
        while _has_whole_response(self._pending):
            self._next_idle_line()
            if self.tagged_commands[self._idle_tag]:
                raise self.abort("the server ended IDLE")
        if len(self._pending) > _MAX_IDLE_LINE:
            raise self.abort("the server's line does not end")

    def stop_idle(self) -> bool:
        """Sends DONE. True if a message arrived that wait_for_exists has not told of."""
        self.send(b"DONE\r\n")
        while not self.tagged_commands[self._idle_tag]:
            self._next_idle_line()
        typ, data = self._command_complete("IDLE", self._idle_tag)
        if typ != "OK":
            raise self.error(f"IDLE: {data!r}")
        return self._take_news()

    def _take_news(self) -> bool:
        has_news, self._has_news = self._has_news, False
        return has_news

    def _next_idle_line(self) -> bytes | None:
        line: bytes | None = self._get_response()
        if line is not None and re.match(rb"\* \d+ EXISTS", line, re.IGNORECASE):
            self._has_news = True
        if line is not None and line[:5].upper() == b"* BYE":
            raise self.abort(f"BYE {line!r}")
        self.untagged_responses.clear()
        return line


def _has_whole_response(data: bytes | bytearray) -> bool:
    """Whether a response with all its literals can be read without waiting."""
    start = 0
    while end := data.find(b"\n", start) + 1:
        literal = _LITERAL_AT_END.search(bytes(data[start:end]))
        if literal is None:
            return True
        start = end + int(literal[1])
        if start > len(data):
            return False
    return False
