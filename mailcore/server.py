"""How to reach a mail server: login values, the TLS context, one translation of socket errors."""

from __future__ import annotations

import errno
import functools
import ipaddress
import queue
import socket
import ssl
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from mailcore.errors import Kind, MailError, Step


class Encryption(StrEnum):
    SSL = "ssl"  # TLS from the first byte
    STARTTLS = "starttls"
    NONE = "none"


class AuthMethod(StrEnum):
    NONE = "none"
    PASSWORD = "password"  # noqa: S105
    OAUTH = "oauth"


# A peer that vanished without a word is noticed after four minutes, also while nothing is said.
_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)  # macOS has another name for the first
    ),
)


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """Where a server is and who we are there. Its repr shows no secret; `timeout` in seconds."""

    host: str
    port: int
    encryption: Encryption
    username: str = ""
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    auth: AuthMethod = AuthMethod.PASSWORD
    timeout: float = 30
    client_name: str = ""  # EHLO; empty: the address literal of our end of the connection
    verify_certificate: bool = True
    ca_file: str = ""  # PEM; trusted in addition to the system's authorities

    def mask(self, text: str) -> str:
        """The text with this login's secrets replaced by ***."""
        for secret in (self.password, self.access_token):
            if secret:
                text = text.replace(secret, "***")
        return text


@functools.lru_cache(maxsize=32)
def tls_context(*, verify: bool = True, ca_file: str = "") -> ssl.SSLContext:
    """The client context for these settings. Cached: loading the system's authorities takes 10 ms.

    Raises MailError (TLS_FAILED) where `ca_file` cannot be read.
    """
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise MailError(Kind.TLS_FAILED, Step.TLS, f"ca_file: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def open_socket(login: ServerLogin) -> socket.socket:
    """A TCP connection (TCP_NODELAY, keep-alive, time-out), not yet encrypted. Raises MailError."""
    first_error: OSError | None = None
    for family, kind, protocol, _name, address in look_up(login):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(login.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in _KEEP_ALIVE:
                sock.setsockopt(*option)
            sock.connect(address)
        except OSError as error:
            sock.close()
            first_error = first_error or error
        else:
            return sock
    failure = first_error or OSError(errno.EHOSTUNREACH, "the name has no address")
    raise translate_error(failure, Step.CONNECT) from failure


_Address = tuple[
    socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]


def look_up(login: ServerLogin) -> list[_Address]:
    """The host's addresses, within the login's time-out. Raises MailError.

    getaddrinfo knows no time-out: it runs in a thread of its own, which is left behind if need be.
    """
    if _is_address(login.host):
        return _ask_resolver(login)
    answer: queue.SimpleQueue[list[_Address] | MailError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(_ask_resolver(login))
        except MailError as error:
            answer.put(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        found = answer.get(timeout=login.timeout)
    except queue.Empty:
        raise MailError(Kind.TIMEOUT, Step.RESOLVE, login.host) from None
    if isinstance(found, MailError):
        raise found
    return found


def _is_address(host: str) -> bool:
    """An IP address: nobody has to be asked."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ask_resolver(login: ServerLogin) -> list[_Address]:
    try:
        return socket.getaddrinfo(login.host, login.port, type=socket.SOCK_STREAM)  # type: ignore[return-value]
    except (OSError, UnicodeError, OverflowError) as error:
        raise translate_error(error, Step.RESOLVE) from error


def wrap_tls(sock: socket.socket, login: ServerLogin) -> ssl.SSLSocket:
    """The connection after the handshake. Closes the socket and raises MailError on failure."""
    context = tls_context(verify=login.verify_certificate, ca_file=login.ca_file)
    try:
        return context.wrap_socket(sock, server_hostname=login.host)
    except (OSError, ValueError) as error:
        sock.close()
        raise translate_error(error, Step.TLS) from error


def translate_error(error: BaseException, step: Step) -> MailError:
    """What a socket or TLS error means. Looks through the wrappings libraries put around it."""
    if isinstance(error, MailError):
        return error
    root = _root_cause(error)
    return MailError(_kind_of(root, step), step, str(root) or type(root).__name__)


def _root_cause(error: BaseException) -> BaseException:
    """The innermost socket error in the chain, or the error itself."""
    found, current = error, error.__cause__
    while current is not None:
        if isinstance(current, OSError):
            found = current
        current = current.__cause__
    return found


_VERIFY_KINDS = {  # OpenSSL, x509_vfy.h
    10: Kind.TLS_EXPIRED,  # certificate has expired
    18: Kind.TLS_SELF_SIGNED,  # self-signed leaf
    62: Kind.TLS_NAME,  # host name mismatch
    64: Kind.TLS_NAME,  # IP address mismatch
}
# What OpenSSL says when the other end answers the handshake in plain text.
_PLAIN_ANSWERS = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
}


def _kind_of(error: BaseException, step: Step) -> Kind:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_KINDS.get(error.verify_code, Kind.TLS_UNTRUSTED)
    if isinstance(error, ssl.CertificateError):
        return Kind.TLS_NAME
    if isinstance(error, TimeoutError):
        return Kind.TIMEOUT
    if isinstance(error, socket.gaierror | UnicodeError | OverflowError):
        return Kind.HOST_UNKNOWN
    if isinstance(error, ssl.SSLError):
        if error.reason in _PLAIN_ANSWERS and step is Step.TLS:
            return Kind.TLS_ON_PLAIN_PORT
        return Kind.DISCONNECTED if isinstance(error, ssl.SSLEOFError) else Kind.TLS_FAILED
    if isinstance(error, ConnectionRefusedError):
        return Kind.REFUSED
    if step is Step.TLS:
        return Kind.TLS_FAILED
    if isinstance(error, ConnectionError | EOFError):
        return Kind.DISCONNECTED
    if isinstance(error, OSError):
        if step in (Step.RESOLVE, Step.CONNECT) or error.errno in _UNREACHABLE:
            return Kind.UNREACHABLE
        return Kind.DISCONNECTED
    return Kind.SERVER_ERROR


_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


def login_kind(text: str, login: ServerLogin) -> Kind:
    """What a refused login means, from the server's words (IMAP and SMTP alike)."""
    text = text.lower()
    if login.auth is AuthMethod.OAUTH:
        return Kind.OAUTH_REFUSED
    if any(word in text for word in ("privacyrequired", "starttls", "must issue", "encrypt")):
        return Kind.LOGIN_NEEDS_TLS
    if any(word in text for word in ("application-specific", "app password", "5.7.9 ")):
        return Kind.LOGIN_NEEDS_APP_PASSWORD
    # Microsoft: „basic authentication is disabled", 5.7.139; Google: log in with the web browser.
    if any(word in text for word in ("basic auth", "5.7.139", "webloginrequired", "web login")):
        return Kind.LOGIN_NEEDS_OAUTH
    return Kind.LOGIN_FAILED
