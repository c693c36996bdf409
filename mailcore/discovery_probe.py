"""Does an IMAP or SMTP server answer there? Nothing is sent but a TLS handshake."""

from __future__ import annotations

import socket
from enum import Enum

from mailcore.discovery_presets import ServerGuess
from mailcore.errors import Kind, MailError
from mailcore.server import Encryption, ServerLogin, open_socket, wrap_tls

_GREETINGS = (b"* OK", b"* PREAUTH", b"220")
_CERTIFICATE_KINDS = {
    Kind.TLS_EXPIRED,
    Kind.TLS_NAME,
    Kind.TLS_SELF_SIGNED,
    Kind.TLS_UNTRUSTED,
}


class Finding(Enum):
    """Better ones first."""

    WORKS = 0
    BAD_CERTIFICATE = 1  # something speaks TLS there; Poststelle would refuse to log in
    NOTHING = 2


def probe(guess: ServerGuess, timeout: float) -> Finding:
    """Connects as for a login and reads the greeting; `timeout` in seconds per step. Never raises."""
    login = ServerLogin(guess.host, guess.port, guess.encryption, timeout=timeout)
    sock: socket.socket | None = None
    try:
        sock = open_socket(login)
        if guess.encryption is Encryption.SSL:
            sock = wrap_tls(sock, login)
        greeting = sock.recv(512)
    except MailError as error:
        return Finding.BAD_CERTIFICATE if error.kind in _CERTIFICATE_KINDS else Finding.NOTHING
    except OSError:
        return Finding.NOTHING
    finally:
        if sock is not None:
            sock.close()
    return Finding.WORKS if greeting.startswith(_GREETINGS) else Finding.NOTHING
