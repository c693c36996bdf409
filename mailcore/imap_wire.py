"""One IMAP connection on imapclient: sockets with limits, STARTTLS, login, IDLE."""

from __future__ import annotations

import imaplib
import io
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import imapclient
from imapclient.exceptions import CapabilityError
from imapclient.response_parser import parse_fetch_response

from mailcore.errors import Kind, MailError, Step
from mailcore.server import (
    AuthMethod,
    Encryption,
    ServerLogin,
    login_kind,
    open_socket,
    translate_error,
    wrap_tls,
)

_MIN_BYTES_PER_SECOND = 1_000  # below this a server is not slow but stuck
_MAX_LITERAL = 1 << 30  # a server's announced size is believed up to 1 GiB
_SEND_CHUNK = 1 << 18  # sendall's time-out is for the whole call, so large messages go in pieces


class _SocketReader(io.RawIOBase):
    """Bytes from a socket: a time-out per read, and a least speed for each command's answer."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        super().__init__()
        self._sock = sock
        self._timeout = timeout
        self.restart()

    def restart(self) -> None:
        """A command was sent: its answer is measured from here."""
        self._started = time.monotonic()
        self._received = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        overtime = time.monotonic() - self._started - self._timeout
        if overtime > 0 and self._received < overtime * _MIN_BYTES_PER_SECOND:
            raise TimeoutError("the server answers too slowly")
        count = self._sock.recv_into(buffer)
        self._received += count
        return count


class _Connection(imaplib.IMAP4):
    """imaplib over our own socket and reader (its own has neither limits nor TCP_NODELAY)."""

    def __init__(self, login: ServerLogin) -> None:
        self._server_login = login
        self._idle_tag = b""
        self._has_news = False  # a message arrived during IDLE and nobody was told yet
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

    def read(self, size: int) -> bytes:
        if size > _MAX_LITERAL:
            raise self.abort(f"the server announces {size} bytes")
        return self._reader.read(size)

    def readline(self) -> bytes:
        line = self._reader.readline(1_000_001)
        if len(line) > 1_000_000:
            raise self.abort("the server's line does not end")
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
        if self.has_input(0):
            # Plain text behind the answer would be read as if it had come encrypted.
            raise self.abort("the server sent plain text after STARTTLS")
        self.sock = wrap_tls(self.sock, self._server_login)
        self._tls_established = True
        self._start_reading()
        self._get_capabilities()
        return typ, data

    def has_input(self, timeout: float) -> bool:
        """Is there something to read within `timeout` seconds? The end of the connection counts."""
        deadline = time.monotonic() + timeout
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        while not self._can_read():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not poller.poll(remaining * 1000):
                return False
        return True

    def _can_read(self) -> bool:
        """Looks into our buffer, TLS's and the kernel's without waiting."""
        self._raw_reader.restart()
        self.sock.settimeout(0)
        try:
            self._reader.peek(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self.sock.settimeout(self._server_login.timeout)
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
        """During IDLE: has a message arrived, now or within `timeout` seconds?"""
        deadline = time.monotonic() + timeout
        while not self._has_news:
            if not self.has_input(max(0.0, deadline - time.monotonic())):
                return False
            self._next_idle_line()
            if self.tagged_commands[self._idle_tag]:
                raise self.abort("the server ended IDLE")
            if time.monotonic() > deadline:
                break
        return self._take_news()

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


class Client(imapclient.IMAPClient):  # type: ignore[misc]
    """An imapclient on our connection. Connects when made; log in with `log_in`."""

    def __init__(self, login: ServerLogin) -> None:
        self._server_login = login
        super().__init__(
            login.host,
            login.port,
            ssl=login.encryption is Encryption.SSL,
            timeout=login.timeout,
        )
        # imapclient sets 5, at which imaplib repr()s every literal twice: six times slower.
        self._imap.debug = 0
        self.is_broken = False

    def _create_IMAP4(self) -> _Connection:
        return _Connection(self._server_login)

    @property
    def wire(self) -> _Connection:
        connection: _Connection = self._imap
        return connection

    def fetch_set(self, uid_set: str, items: tuple[str, ...]) -> dict[int, dict[bytes, Any]]:
        """UID FETCH of a set as IMAP writes it („7:*" too, which imapclient's fetch cannot)."""
        typ, data = self._imap.uid("FETCH", uid_set, f"({' '.join(items)})")
        self._checkok("FETCH", typ, data)
        answer: dict[int, dict[bytes, Any]] = parse_fetch_response(data, normalise_times=False)
        return answer


def connect(login: ServerLogin) -> Client:
    """A connection that is encrypted and logged in as the login says. Raises MailError."""
    with translated(Step.GREETING, login, None):
        client = Client(login)
    try:
        if login.encryption is Encryption.STARTTLS:
            with translated(Step.TLS, login, client):
                if not client.has_capability("STARTTLS"):
                    raise MailError(Kind.STARTTLS_MISSING, Step.TLS)
                client.starttls()
        if login.auth is not AuthMethod.NONE:
            with translated(Step.LOGIN, login, client):
                _log_in(client, login)
    except MailError:
        client.shutdown()
        raise
    return client


def _log_in(client: Client, login: ServerLogin) -> None:
    offered = {name.decode("ascii", "replace") for name in client.capabilities()}
    if login.auth is AuthMethod.OAUTH:
        if "AUTH=XOAUTH2" not in offered:
            raise MailError(Kind.LOGIN_UNSUPPORTED, Step.LOGIN, "XOAUTH2")
        payload = f"user={login.username}\1auth=Bearer {login.access_token}\1\1"
        answers = iter((payload,))
        # A second challenge is the refusal's reason; it is answered by an empty line.
        client.sasl_login("XOAUTH2", lambda _challenge: next(answers, ""))
    elif "AUTH=PLAIN" in offered:
        client.plain_login(login.username, login.password)
    elif "LOGINDISABLED" in offered:
        encrypted = login.encryption is not Encryption.NONE
        kind = Kind.LOGIN_UNSUPPORTED if encrypted else Kind.LOGIN_NEEDS_TLS
        raise MailError(kind, Step.LOGIN, "LOGINDISABLED")
    else:
        # imaplib's login() quotes no user names and refuses umlauts in passwords.
        wire = client.wire
        typ, data = wire._simple_command("LOGIN", _quote(login.username), _quote(login.password))
        if typ != "OK":
            raise wire.error(data[0].decode("utf-8", "replace"))
        wire.state = "AUTH"


def _quote(value: str) -> bytes:
    if any(character in value for character in "\r\n\0"):
        raise MailError(Kind.LOGIN_FAILED, Step.LOGIN, "line break in the user name or password")
    return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


@contextmanager
def translated(step: Step, login: ServerLogin, client: Client | None) -> Iterator[None]:
    """Everything that goes wrong inside leaves as a MailError of this step, secrets masked."""
    try:
        yield
    except MailError:
        raise
    except (
        OSError,
        imaplib.IMAP4.error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        # The last four: what imaplib and imapclient raise on answers that are no IMAP.
        raise _translate(error, step, login, client) from error


def _translate(
    error: Exception, step: Step, login: ServerLogin, client: Client | None
) -> MailError:
    if client is not None and isinstance(error, OSError | imaplib.IMAP4.abort):
        client.is_broken = True
    cause = _socket_error(error)
    if cause is not None:
        return translate_error(cause, step)
    detail = login.mask(_server_text(error))
    if client is not None and "BYE" in client.wire.untagged_responses:
        return MailError(_busy_kind(detail.lower()) or Kind.DISCONNECTED, step, detail)
    if isinstance(error, imaplib.IMAP4.abort) and ("EOF" in detail or "unterminated" in detail):
        return MailError(Kind.DISCONNECTED, step, detail)
    if isinstance(error, CapabilityError):
        return MailError(Kind.SERVER_ERROR, step, detail)
    if step is Step.GREETING:
        return MailError(_greeting_kind(detail), step, detail)
    return MailError(_refusal_kind(detail.lower(), step, login), step, detail)


def _socket_error(error: BaseException | None) -> OSError | None:
    """imaplib turns errors of sending into its abort and keeps the cause as the context only."""
    while error is not None and not isinstance(error, OSError):
        error = error.__context__
    return error


def _server_text(error: Exception) -> str:
    argument = error.args[0] if error.args else ""
    if isinstance(argument, bytes):
        return argument.decode("utf-8", "replace")
    return str(argument) or type(error).__name__


def _greeting_kind(detail: str) -> Kind:
    if "BYE" in detail:
        return _busy_kind(detail.lower()) or Kind.DISCONNECTED
    return Kind.NOT_THIS_PROTOCOL


def _refusal_kind(text: str, step: Step, login: ServerLogin) -> Kind:
    busy = _busy_kind(text)
    if busy:
        return busy
    if step is Step.LOGIN:
        return login_kind(text, login)
    missing = (
        "nonexistent",
        "trycreate",
        "doesn't exist",
        "does not exist",
        "not found",
        "unknown",
    )
    if step in (Step.SELECT, Step.APPEND) and any(word in text for word in missing):
        return Kind.FOLDER_MISSING
    if "[overquota]" in text or "[toobig]" in text:
        return Kind.TOO_LARGE
    return Kind.DISCONNECTED if text.startswith("bye") else Kind.SERVER_ERROR


def _busy_kind(text: str) -> Kind | None:
    if any(word in text for word in ("too many", "[limit]", "rate limit", "throttl")):
        return Kind.RATE_LIMITED
    if any(word in text for word in ("[unavailable]", "[inuse]", "try again", "temporar")):
        return Kind.SERVER_BUSY
    return None
