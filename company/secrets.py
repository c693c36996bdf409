"""Passwords at rest: encrypted, and bound to the server and user they were saved for.

The binding lies inside the ciphertext, so neither a changed form nor a changed row makes Poststelle
send a stored password to another host.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnusable(Exception):
    """The stored secret cannot be read with the keys at hand, or belongs to another server."""


def binding(*, host: str, port: int, encryption: str, username: str) -> str:
    """What a secret is bound to: the login it was saved for."""
    return f"{host.strip().lower()}:{port}:{encryption}:{username.strip()}"


def seal(secret: str, bound_to: str) -> str:
    """Encrypts a secret for one login; the empty secret stays empty."""
    if not secret:
        return ""
    return _keys().encrypt(json.dumps([bound_to, secret]).encode()).decode("ascii")


def unseal(sealed: str, bound_to: str) -> str:
    """The secret, if it was sealed for this login. Raises SecretUnusable."""
    if not sealed:
        return ""
    try:
        saved_for, secret = json.loads(_keys().decrypt(sealed.encode("ascii")))
    except (InvalidToken, ValueError) as error:
        raise SecretUnusable("key") from error
    if saved_for != bound_to:
        raise SecretUnusable("binding")
    return str(secret)


def rotate(sealed: str) -> str:
    """The same secret encrypted with the newest key. Raises SecretUnusable."""
    try:
        return _keys().rotate(sealed.encode("ascii")).decode("ascii") if sealed else ""
    except InvalidToken as error:
        raise SecretUnusable("key") from error


def is_newest(sealed: str) -> bool:
    """Whether the newest key alone opens it."""
    try:
        _fernets()[0].decrypt(sealed.encode("ascii"))
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet(_fernets())


@functools.cache
def _fernets() -> tuple[Fernet, ...]:
    keys = settings.SECRETS_KEYS or [_key_from_file(settings.SECRETS_KEY_FILE)]
    return tuple(Fernet(key) for key in keys)


def _key_from_file(file: Path) -> str:
    """The key beside the data, made on first use; two processes starting at once agree on one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(Fernet.generate_key())
        try:
            os.link(fresh, file)  # fails if another process was first
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return file.read_text().strip()
