"""The bytes of a stored message, as they came or went."""

from __future__ import annotations

from mailstore.blobs import get_blob
from mailstore.models import StoredMessage


def read_raw(message: StoredMessage) -> bytes:
    """The message byte for byte. Raises FileNotFoundError (missing) or ValueError (altered)."""
    return get_blob(message.sha256)
