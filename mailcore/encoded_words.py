"""Header values to text: raw 8-bit bytes first, then the encoded words of RFC 2047."""

from __future__ import annotations

import binascii
import re

from mailcore.charsets import decode_text, find_codec, is_utf8, one_line, storable
from mailcore.transfer import decode_base64

# A word ends at `?=`, at the next word or at the end (cut off); the length bound keeps it linear.
_WORD = re.compile(
    r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:(?!=\?[^?\s]{1,80}\?[bBqQ]\?).){0,1000}?)"
    r"(?:\?=|\?\Z|\Z|(?==\?[^?\s]{1,80}\?[bBqQ]\?))"
    r"(?:\s+(?==\?[^?\s]{1,80}\?[bBqQ]\?))?",
    re.DOTALL,
)


def decode_bytes(value: bytes, charset: str | None = None) -> str:
    """A raw header value as text; encoded words still stand in it.

    `charset` is that of the message's text: senders of raw bytes use it in the header too.
    """
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    return decode_text(value, None if is_utf8(value) else charset)[0]


def decode_header(value: bytes, charset: str | None = None) -> str:
    """A raw header value as one readable line."""
    return one_line(decode_words(decode_bytes(value, charset)))


def decode_words(text: str) -> str:
    """Decode the encoded words in a text; words that make no sense stay as they are."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    pending: list[tuple[str, bytes]] = []
    at = 0
    for found in _WORD.finditer(text):
        between = text[at : found.start()]
        if between:
            pieces.append(_decode_pending(pending))
            pieces.append(between)
        at = found.end()
        pending.append((found.group(1), _decode_word(found.group(2), found.group(3))))
    pieces.append(_decode_pending(pending))
    pieces.append(text[at:])
    return storable("".join(pieces))


def _decode_pending(pending: list[tuple[str, bytes]]) -> str:
    """Neighbours of one charset are joined before decoding: senders split inside a character."""
    pieces: list[str] = []
    joined = b""
    label = ""
    for next_label, data in pending:
        if joined and find_codec(next_label) != find_codec(label):
            pieces.append(decode_text(joined, label)[0])
            joined = b""
        label = next_label
        joined += data
    if joined:
        pieces.append(decode_text(joined, label)[0])
    pending.clear()
    return "".join(pieces)


def _decode_word(kind: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "surrogateescape")
    if kind in "bB":
        return decode_base64(data)[0]
    return binascii.a2b_qp(data.replace(b"\r", b"").replace(b"\n", b""), header=True)
