"""The keys that sign our own Message-IDs."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

_PURPOSE = b"poststelle message-id"


def message_id_keys() -> tuple[bytes, ...]:
    """The signing keys, newest first; those of SECRET_KEY_FALLBACKS still verify old ids."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return tuple(
        hmac.new(str(secret).encode(), _PURPOSE, hashlib.sha256).digest() for secret in secrets
    )
