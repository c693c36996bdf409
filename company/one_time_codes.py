"""Time-based one-time codes as authenticator apps show them (RFC 6238: SHA-1, 30 seconds, 6 digits)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

_SECONDS, _DIGITS = 30, 6
_DRIFT = 1  # steps a clock may be early or late


def new_secret() -> str:
    """160 random bits in base32, without padding."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def code_at(secret: str, step: int) -> str:
    """The code of a 30-second step."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", step), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def step_of(unix_time: float) -> int:
    return int(unix_time) // _SECONDS


def matching_step(secret: str, typed: str, *, unix_time: float) -> int | None:
    """The step whose code was typed, if it is the present one or one beside it."""
    now = step_of(unix_time)
    code = "".join(typed.split())
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def setup_address(secret: str, *, account: str, issuer: str) -> str:
    """The otpauth:// address that an authenticator app opens."""
    label = quote(f"{issuer}:{account}", safe=":@")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    )
