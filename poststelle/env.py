"""Typed readers of environment variables. A value that cannot be read stops the start and names itself.

A variable that begins with POSTSTELLE_ but is read by nobody is a typing error and refused as well.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "POSTSTELLE_"
_read: set[str] = set()


def _value(name: str) -> str | None:
    _read.add(name)
    value = os.environ.get(name)
    return value.strip() if value is not None and value.strip() else None


def text(name: str, default: str = "") -> str:
    return _value(name) or default


def flag(name: str, default: bool) -> bool:
    value = _value(name)
    if value is None:
        return default
    if value.lower() in {"1", "true", "yes", "on", "ja"}:
        return True
    if value.lower() in {"0", "false", "no", "off", "nein"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: erwartet wird 1 oder 0.")


def number(name: str, default: int, *, least: int = 0) -> int:
    value = _value(name)
    if value is None:
        return default
    try:
        result = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: erwartet wird eine ganze Zahl.") from None
    if result < least:
        raise ImproperlyConfigured(f"{name}={value!r}: erlaubt ist mindestens {least}.")
    return result


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A comma-separated list."""
    value = _value(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)


def path(name: str, default: Path) -> Path:
    value = _value(name)
    return Path(value).expanduser().resolve() if value else default


def postgres(name: str) -> dict[str, str] | None:
    """postgres://user:password@host:port/name as Django's DATABASES entry, None if unset.

    A host that is a directory (unix socket) is percent-encoded: postgres://u@%2Frun%2Fpg/name.
    """
    value = _value(name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ImproperlyConfigured(
            f"{name}: erwartet wird postgres://benutzer:passwort@server:5432/datenbank."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }


def name_server(name: str) -> tuple[str, int] | None:
    """An IP address with an optional port (53), as 192.0.2.1:5353 or [2001:db8::1]:53; None if unset."""
    value = _value(name)
    if value is None:
        return None
    try:
        parts = urlsplit(f"//{value}")
        return str(ip_address(parts.hostname or "")), 53 if parts.port is None else parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}={value!r}: erwartet wird eine IP-Adresse, auch mit Port: 192.0.2.1:53."
        ) from None


def refuse_unknown() -> None:
    """Raises if the environment holds a POSTSTELLE_ variable that no reader asked for."""
    unknown = sorted(n for n in os.environ if n.startswith(PREFIX) and n not in _read)
    if unknown:
        raise ImproperlyConfigured(
            f"Unbekannte Einstellung: {', '.join(unknown)}. "
            f"Bekannt sind: {', '.join(sorted(n for n in _read if n.startswith(PREFIX)))}."
        )
