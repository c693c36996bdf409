"""Fetches remote pictures of a mail in the reader's stead, so that the sender learns nothing of the reader.

Only addresses that we signed are fetched (no open proxy), only by http and https, only from public
hosts: the name is resolved once, the answer is checked and the connection goes to that very address,
so that a second answer of the DNS cannot lead inside (DNS rebinding).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.core import signing

SIZE_LIMIT = 10_000_000  # bytes
TIME_LIMIT = 12.0  # seconds for everything
MOST_REDIRECTS = 3
PORTS = {"http": 80, "https": 443}
_SALT = "mailstore.remote-picture"
_SIGNED_FOR = 24 * 3600  # seconds
_CHUNK = 65_536
_HEADERS = {"User-Agent": "Mozilla/5.0", "Accept": "image/*", "Accept-Encoding": "identity"}
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSLATED = [
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
]  # IPv6 that hides an IPv4 address
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


class PictureRefused(Exception):
    """The picture is not fetched or not shown; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    content_type: str  # by its first bytes, never what the server says


def sign_address(url: str) -> str:
    """The token that lets `fetch_signed` fetch this address for a day."""
    return signing.dumps(url, salt=_SALT, compress=True)


def fetch_signed(token: str) -> Picture:
    """The picture behind a signed address. Raises PictureRefused."""
    try:
        url = signing.loads(token, salt=_SALT, max_age=_SIGNED_FOR)
    except signing.BadSignature as error:
        raise PictureRefused("not signed by us, or too long ago") from error
    return fetch_picture(str(url))


def fetch_picture(url: str) -> Picture:
    """Fetches one picture, redirects included. Raises PictureRefused."""
    deadline = time.monotonic() + TIME_LIMIT
    for _ in range(MOST_REDIRECTS + 1):
        try:
            found = _ask(url, deadline)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise PictureRefused(f"{type(error).__name__}: {error}") from error
        if isinstance(found, Picture):
            return found
        url = urljoin(url, found)
    raise PictureRefused("too many redirects")


def _ask(url: str, deadline: float) -> Picture | str:
    """One request: the picture, or where the server sends us next."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.username:
        raise PictureRefused("not a plain http or https address")
    if (parts.port or PORTS[parts.scheme]) not in PORTS.values():
        raise PictureRefused("an unusual port")
    connection = _connect(parts, deadline)
    # Time-outs of a socket begin anew with every byte; this one does not.
    alarm = threading.Timer(_left(deadline), connection.sock.shutdown, (socket.SHUT_RDWR,))
    alarm.daemon = True
    alarm.start()
    try:
        connection.request("GET", _target(parts), headers={"Host": _host(parts)} | _HEADERS)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS:
            return answer.getheader("Location") or ""
        if answer.status != http.client.OK:
            raise PictureRefused(f"status {answer.status}")
        return _as_picture(_read(answer, connection, deadline))
    finally:
        alarm.cancel()
        connection.close()


def _connect(parts: SplitResult, deadline: float) -> http.client.HTTPConnection:
    """A connection to an address that was looked at before; certificates are checked by the name."""
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    raw = socket.create_connection((resolve(host, port), port), timeout=_left(deadline))
    connection = http.client.HTTPConnection(host, port)
    if parts.scheme == "https":
        try:
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        except OSError:
            raw.close()
            raise
    connection.sock = raw
    return connection


def resolve(host: str, port: int) -> str:
    """One public address of a host. Raises PictureRefused if any of its addresses is not public."""
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not found or not all(is_public(address) for address in found):
        raise PictureRefused("not a public host")
    return min(found, key=lambda address: (":" in address, address))  # IPv4 first


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet and hides no other one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _read(
    answer: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float
) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
        chunk = answer.read1(_CHUNK)
        if not chunk:
            return b"".join(chunks)
        size += len(chunk)
        if size > SIZE_LIMIT:
            raise PictureRefused("too large")
        chunks.append(chunk)


def _as_picture(content: bytes) -> Picture:
    for magic, content_type in _MAGIC:
        if content.startswith(magic):
            return Picture(content, content_type)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Picture(content, "image/webp")
    raise PictureRefused("no picture")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return f"{path}?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else path


def _host(parts: SplitResult) -> str:
    name = str(parts.hostname)
    host = f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")
    return host if parts.port is None else f"{host}:{parts.port}"
