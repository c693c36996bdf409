"""An imapclient on our own connection: STARTTLS, login, and one translation of its errors."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import imapclient
from imapclient.datetime_util import parse_to_datetime
from imapclient.exceptions import CapabilityError
from imapclient.response_parser import parse_fetch_response

from mailcore.errors import Kind, MailError, Step
from mailcore.imap_connection import Connection
from mailcore.server import (
    AuthMethod,
    Encryption,
    ServerLogin,
    login_kind,
    translate_error,
)

# What our two questions are answered by nearly always, as imaplib hands it over.
_DESCRIBED = re.compile(rb'\d+ \(UID (\d+) RFC822\.SIZE (\d+) INTERNALDATE "([^"\\]+)"\)')
_BODY = re.compile(rb"\d+ \(UID (\d+) BODY\[\] \{\d+\}")


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

    def _create_IMAP4(self) -> Connection:
        return Connection(self._server_login)

    @property
    def wire(self) -> Connection:
        connection: Connection = self._imap
        return connection

    def _raw_command_untagged(self, command: bytes, *args: Any, **options: Any) -> list[bytes]:
        """A SEARCH may be answered in several lines, each UID once or more."""
        data: list[bytes] = super()._raw_command_untagged(command, *args, **options)
        return [b" ".join(filter(None, data))] if command == b"SEARCH" else data

    def fetch_set(self, uid_set: str, items: tuple[str, ...]) -> dict[int, dict[bytes, Any]]:
        """UID FETCH of a set as IMAP writes it („7:*" too, which imapclient's fetch cannot)."""
        typ, data = self._imap.uid("FETCH", uid_set, f"({' '.join(items)})")
        self._checkok("FETCH", typ, data)
        answer: dict[int, dict[bytes, Any]] | None = _read_plain(data)
        if answer is None:
            answer = parse_fetch_response(data, normalise_times=False)
        return answer


def _read_plain(data: Sequence[Any]) -> dict[int, dict[bytes, Any]] | None:
    """Answers in the usual form, at a tenth of imapclient's cost; None where one is in another form."""
    answer: dict[int, dict[bytes, Any]] = {}
    has_literal = False
    for one in data:
        if has_literal:
            if one != b")":
                return None
            has_literal = False
        elif isinstance(one, tuple) and len(one) == 2 and (match := _BODY.fullmatch(one[0])):
            answer.setdefault(int(match[1]), {})[b"BODY[]"] = one[1]
            has_literal = True
        elif isinstance(one, bytes) and (match := _DESCRIBED.fullmatch(one)):
            try:
                moment = parse_to_datetime(match[3], normalise=False)
            except ValueError:
                moment = None
            values = {b"RFC822.SIZE": int(match[2]), b"INTERNALDATE": moment}
            answer.setdefault(int(match[1]), {}).update(values)
        else:
            return None
    return None if has_literal else answer


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
