"""An envelope and a message as the bytes that stand on the line (RFC 5321)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mailcore.recipients import split_address

_LINE_ENDING = re.compile(rb"\r\n|\r|\n")


def is_sendable(address: str, offered: Mapping[str, str]) -> bool:
    """Whether a server with these extensions can take the address."""
    parts = split_address(address)
    return parts is not None and ("smtputf8" in offered or parts[0].isascii())


def mail_command(
    envelope_from: str, recipients: Sequence[str], raw: bytes, offered: Mapping[str, str]
) -> bytes:
    """MAIL with the parameters that the message needs and the server's extensions allow."""
    words = [b"MAIL FROM:" + (path(envelope_from) if envelope_from else b"<>")]
    if "size" in offered:
        words.append(b"SIZE=%d" % len(raw))
    if "8bitmime" in offered and not raw.isascii():
        words.append(b"BODY=8BITMIME")
    paths = b"".join(path(address) for address in recipients) + words[0]
    header = raw[: raw.find(b"\r\n\r\n")]
    if "smtputf8" in offered and not (paths.isascii() and header.isascii()):
        words.append(b"SMTPUTF8")
    return b" ".join(words)


def rcpt_command(address: str) -> bytes:
    return b"RCPT TO:" + path(address)


def path(address: str) -> bytes:
    """The address as it stands in a command: domain in ASCII, local part as it is."""
    local, domain = split_address(address) or ("", "")
    return f"<{local}@{domain}>".encode()


def transparent(raw: bytes) -> bytes:
    """CRLF line ends, leading dots doubled, the closing dot (RFC 5321 4.5.2)."""
    lines = raw.count(b"\r\n")
    if not raw.count(b"\n") == raw.count(b"\r") == lines:
        raw = _LINE_ENDING.sub(b"\r\n", raw)
    raw = raw.replace(b"\r\n.", b"\r\n..")
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw + (b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n")
