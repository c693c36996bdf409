"""ISO-2022-JP as mail really uses it: with NEC and IBM vendor rows and half-width katakana.

Python's own codecs refuse the vendor rows; they are read through their places in cp932.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([A-Z]|\([A-Z])")
_DOUBLE_BYTE = frozenset({b"$@", b"$B"})
_MARKS = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b(I")


def looks_like_iso2022jp(data: bytes) -> bool:
    return b"\x1b" in data and any(mark in data for mark in _MARKS)


def decode_iso2022jp(data: bytes) -> str:
    """Decode, with replacement characters where the bytes make no sense."""
    try:
        return data.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        pass
    pieces = _ESCAPE.split(data)  # text, escape, text, escape, text, …
    texts = [_decode_ascii(pieces[0])]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if escape in _DOUBLE_BYTE:
            texts.append(_decode_double_byte(piece))
        elif escape == b"(I":
            texts.append(bytes(byte | 0x80 for byte in piece).decode("cp932", "replace"))
        elif escape == b"$(D":
            euc = b"".join(
                b"\x8f" + bytes(byte | 0x80 for byte in piece[at : at + 2])
                for at in range(0, len(piece), 2)
            )
            texts.append(euc.decode("euc_jp", "replace"))
        else:
            texts.append(_decode_ascii(piece))
    return "".join(texts)


def _decode_ascii(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def _decode_double_byte(piece: bytes) -> str:
    """JIS rows 33–126 shifted to Shift JIS; line ends end the double-byte mode (RFC 1468)."""
    shifted = bytearray()
    at = 0
    while at < len(piece):
        first = piece[at]
        if not 0x21 <= first <= 0x7E or at + 1 >= len(piece):
            shifted.append(first if first < 0x80 else 0x3F)
            at += 1
            continue
        second = piece[at + 1]
        if not 0x21 <= second <= 0x7E:
            shifted.append(0x3F)
            at += 1
            continue
        lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        if first % 2:
            trail = second + (0x1F if second < 0x60 else 0x20)
        else:
            trail = second + 0x7E
        shifted += bytes((lead, trail))
        at += 2
    return shifted.decode("cp932", "replace")
