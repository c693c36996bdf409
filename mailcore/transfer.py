"""Undoes Content-Transfer-Encoding, with tolerance for what is really sent."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from io import BytesIO

import pybase64

_BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t "
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_PADDING = re.compile(rb"=[=\s]*")
_ENCODINGS = {
    "base64": "base64",
    "base-64": "base64",
    "b64": "base64",
    "x-base64": "base64",
    "quoted-printable": "quoted-printable",
    "quoted printable": "quoted-printable",
    "quotedprintable": "quoted-printable",
    "quoted_printable": "quoted-printable",
    "qp": "quoted-printable",
    "x-uuencode": "uuencode",
    "uuencode": "uuencode",
    "x-uue": "uuencode",
    "uue": "uuencode",
}
_COMMENT = re.compile(r"\([^()]*\)")
_LONGEST_NAME = 500  # characters of the header that are looked at
_BLANKS_BEHIND_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
_SAMPLE = 4096
LARGE = 4 << 20  # bytes
_PIECE = 1 << 20
_PIECE_LIMIT = 5000  # padded pieces decoded each for itself
_BLANK_LINE = re.compile(rb"\n\s*\n")
_UU_BEGIN = re.compile(rb"^begin(?:-base64)?[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,255})\r?\n", re.M)
_UU_END = re.compile(rb"^(?:end|====)[ \t]*\r?$", re.M)


@dataclass(frozen=True, slots=True)
class UuFile:
    """A uuencoded file inside a text; `start` and `end` are its place there."""

    name: bytes
    content: bytes
    start: int
    end: int


def normalise_encoding(value: str) -> str:
    """`base64`, `quoted-printable`, `uuencode` or "" for everything that needs no decoding."""
    name = _COMMENT.sub(" ", value[:_LONGEST_NAME]).split(";", 1)[0].split("(", 1)[0]
    name = name.strip().strip("\"'").strip().lower()
    return _ENCODINGS.get(name) or _ENCODINGS.get(name.replace(" ", ""), "")


def decode_transfer(data: bytes, encoding: str, *, is_file: bool = False) -> tuple[bytes, str]:
    """The decoded bytes and a defect keyword or "". To a file no footer is added."""
    if encoding == "base64":
        sample = _BLANK_LINE.split(data[:_SAMPLE].strip(), maxsplit=1)[0]
        foreign = len(sample.translate(None, _BASE64_BYTES))
        # Plain text labelled base64: blanks between words give it away, and punctuation.
        blanks = sample.strip().count(b" ")
        if foreign * 12 > len(sample) or blanks * 12 > len(sample):
            return data, "not-base64"
        return decode_base64(data, is_file=is_file)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(_BLANKS_BEHIND_SOFT_BREAK.sub(b"=", data)), ""
    if encoding == "uuencode":
        files = find_uuencoded(data)
        return (files[0].content, "") if files else (data, "not-uuencoded")
    return data, ""


def decode_large_base64(buffer: bytes, start: int, end: int) -> bytes | None:
    """Faultless base64 piece by piece: the encoded text is not in memory twice. None: has faults."""
    decoded = BytesIO()
    rest = b""
    for at in range(start, end, _PIECE):
        is_last = at + _PIECE >= end
        piece = rest + buffer[at : min(at + _PIECE, end)].translate(None, b" \t\r\n")
        whole = len(piece) if is_last else len(piece) - len(piece) % 4
        if not is_last and b"=" in piece:
            return None
        try:
            decoded.write(pybase64.b64decode(piece[:whole], validate=True))
        except binascii.Error:
            return None
        rest = piece[whole:]
    return decoded.getvalue()


def decode_base64(data: bytes, *, is_file: bool = False) -> tuple[bytes, str]:
    """Tolerant base64: missing padding, foreign bytes, several padded pieces, a footer behind."""
    padding = data.find(b"=")
    if padding < 0 or not data[padding:].strip(b"= \t\r\n"):
        try:
            return pybase64.b64decode(data), ""
        except binascii.Error:
            return _decode_piece(data), "bad-base64"
    return _decode_pieces(data, is_file=is_file), "bad-base64"


def _decode_pieces(data: bytes, *, is_file: bool) -> bytes:
    # CPython stops at the first padding; concatenated pieces each have their own.
    decoded: list[bytes] = []
    at = 0
    for padding in _PADDING.finditer(data):
        decoded.append(_decode_piece(data[at : padding.start()]))
        at = padding.end()
        if len(decoded) >= _PIECE_LIMIT:
            break
        rest = data[at : at + _SAMPLE]
        if rest.translate(None, _BASE64_BYTES) or b" " in rest.strip():
            # No base64 follows but a text, as mailing lists add it.
            return b"".join(decoded) + (b"" if is_file else b"\n" + data[at:])
    decoded.append(_decode_piece(data[at:]))
    return b"".join(decoded)


def _decode_piece(piece: bytes) -> bytes:
    piece = _NOT_BASE64.sub(b"", piece)
    if len(piece) % 4 == 1:
        piece = piece[:-1]
    return pybase64.b64decode(piece + b"=" * (-len(piece) % 4))


def find_uuencoded(data: bytes) -> list[UuFile]:
    """The complete uuencoded files in a text; at most 100."""
    files: list[UuFile] = []
    at = 0
    while len(files) < 100 and (begin := _UU_BEGIN.search(data, at)):
        end = _UU_END.search(data, begin.end())
        if end is None:
            break
        content = _decode_uu_lines(data[begin.end() : end.start()])
        if content is not None:
            files.append(UuFile(begin.group(1).strip(), content, begin.start(), end.end()))
            at = end.end()
        else:
            at = begin.end()
    return files


def _decode_uu_lines(block: bytes) -> bytes | None:
    decoded: list[bytes] = []
    for line in block.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            continue
        length = ((line[0] - 32) & 63) * 4 // 3
        if not 32 <= line[0] <= 96 or len(line) - 1 > length + 6:
            return None
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Trailing garbage after the counted bytes, as some encoders write it.
            counted = (((line[0] - 32) & 63) * 4 + 2) // 3
            try:
                decoded.append(binascii.a2b_uu(line[: counted + 1]))
            except binascii.Error:
                return None
    return b"".join(decoded)
