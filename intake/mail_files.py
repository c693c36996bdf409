"""Reads mail out of an mbox file or a Maildir, message by message; never a whole file at once.

Every message gets the line ends it has on the wire (CRLF), as an IMAP server would hand it out of the
same file: so the same mail fetched and imported is the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import BinaryIO

_CHUNK = 64 << 10
_BLOCK = 256 << 10
_HEADER_LIMIT = 256 << 10
# „From “ alone also begins sentences: a separator carries a time and a year (RFC 4155).
_SEPARATOR = re.compile(rb"From .*\b\d{1,2}:\d{2}(:\d{2})?\b.*\b\d{4}")
_QUOTED_FROM = re.compile(rb">+From ")
_QUOTED_FROM_INSIDE = re.compile(rb"\n>(?=>*From )")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_FILED_AT = re.compile(r"(\d{9,10})\.")


class NoMailFile(Exception):
    """This is neither an mbox file nor a Maildir. The text is German."""


@dataclass(frozen=True, slots=True)
class FileMail:
    """A message of the file. Over the limit `raw` is its header block only."""

    raw: bytes
    sha256: str  # of the whole message
    size: int
    filed_at: datetime | None  # when it was delivered, as far as the file tells
    position: int  # how far the source has been read: bytes (mbox) or files (Maildir)

    @property
    def is_whole(self) -> bool:
        return len(self.raw) == self.size


class _Collector:
    """One message as it comes; beyond the limit only its header is kept."""

    def __init__(self, limit: int, filed_at: datetime | None) -> None:
        self._limit = limit
        self._filed_at = filed_at
        self._kept = bytearray()
        self._hash = hashlib.sha256()
        self._size = 0
        self._has_cr = False

    def add(self, chunk: bytes) -> None:
        """Part of a message; a part may end between CR and LF."""
        if self._has_cr:
            chunk = b"\r" + chunk
        self._has_cr = chunk.endswith(b"\r")
        if self._has_cr:
            chunk = chunk[:-1]
        self._keep(chunk.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def _keep(self, wire: bytes) -> None:
        self._size += len(wire)
        self._hash.update(wire)
        if self._size <= self._limit:
            self._kept += wire
        elif len(self._kept) < _HEADER_LIMIT:
            self._kept += wire[:_HEADER_LIMIT]

    def finish(self, position: int) -> FileMail:
        if self._has_cr:
            self._has_cr = False
            self._keep(b"\r")
        raw = bytes(self._kept)
        if self._size > self._limit:
            raw = header_block(raw)
        return FileMail(raw, self._hash.hexdigest(), self._size, self._filed_at, position)


def header_block(raw: bytes) -> bytes:
    """Up to the first empty line, within bounds."""
    end = _END_OF_HEADER.search(raw, 0, _HEADER_LIMIT)
    return raw[: end.end() if end else _HEADER_LIMIT]


def source_length(path: Path) -> int:
    """What `position` of the last message will be at most: bytes, or files of a Maildir."""
    return len(_files(path)) if path.is_dir() else path.stat().st_size


def read_mails(path: Path, *, limit: int) -> Iterator[FileMail]:
    """The messages in their order. `limit`: bytes. Raises NoMailFile, OSError."""
    return _read_maildir(path, limit) if path.is_dir() else _read_mbox(path, limit)


def _files(directory: Path) -> list[Path]:
    """Names begin with the time of delivery: sorted they are in order. tmp holds half-written ones."""
    parts = [directory / name for name in ("cur", "new") if (directory / name).is_dir()]
    if not parts:
        raise NoMailFile(f"„{directory}“ ist kein Maildir: Es hat keinen Ordner „cur“ oder „new“.")
    found = (file for part in parts for file in part.iterdir() if file.is_file())
    return sorted(found, key=lambda file: file.name)


def _read_maildir(directory: Path, limit: int) -> Iterator[FileMail]:
    for number, path in enumerate(_files(directory), 1):
        match = _FILED_AT.match(path.name)
        seconds = int(match[1]) if match else path.stat().st_mtime
        collector = _Collector(limit, datetime.fromtimestamp(seconds, UTC))
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                collector.add(chunk)
        yield collector.finish(number)


def _read_mbox(path: Path, limit: int) -> Iterator[FileMail]:
    """mboxrd and mboxo: „>From “ at the start of a line loses one „>“."""
    with path.open("rb") as file:
        collector: _Collector | None = None
        blank = b""  # the empty line before a separator belongs to the file, not to the mail
        position = 0
        for block, is_start in _blocks(file):
            at = 0
            while at < len(block):
                end = _next_separator(block, at, is_start)
                piece = block[at:end]
                if collector is None:
                    if piece.strip(b"\xef\xbb\xbf\r\n"):
                        raise NoMailFile(f"„{path}“ ist keine mbox-Datei: „From “ am Anfang fehlt.")
                elif piece:
                    collector.add(blank)
                    piece, blank = _split_last_blank(piece, is_start)
                    collector.add(_unquoted(piece, is_start))
                if end == len(block):
                    break
                if collector is not None:
                    yield collector.finish(position + end)
                at, is_start = block.find(b"\n", end) + 1 or len(block), True
                collector, blank = _Collector(limit, _separator_date(block[end:at])), b""
            position += len(block)
        if collector is not None:
            yield collector.finish(position)


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Whole lines, many at once, and whether a line begins there: a very long one comes in pieces."""
    rest, is_start = b"", True
    while chunk := file.read(_BLOCK):
        block = rest + chunk
        end = block.rfind(b"\n") + 1
        yield block[: end or len(block)], is_start
        rest, is_start = block[end:] if end else b"", end > 0
    if rest:
        yield rest, is_start


def _next_separator(block: bytes, at: int, is_start: bool) -> int:
    """Where the next one begins, or the block's end."""
    if is_start and _SEPARATOR.match(block, at, at + _CHUNK):
        return at
    while (found := block.find(b"\nFrom ", at)) >= 0:
        at = found + 1
        if _SEPARATOR.match(block, at, at + _CHUNK):
            return at
    return len(block)


def _split_last_blank(piece: bytes, is_start: bool) -> tuple[bytes, bytes]:
    for blank in (b"\r\n", b"\n"):
        if piece.endswith(b"\n" + blank) or (is_start and piece == blank):
            return piece[: -len(blank)], blank
    return piece, b""


def _unquoted(piece: bytes, is_start: bool) -> bytes:
    if b">From " not in piece:
        return piece
    if is_start and _QUOTED_FROM.match(piece):
        piece = piece[1:]
    return _QUOTED_FROM_INSIDE.sub(b"\n", piece)


def _separator_date(line: bytes) -> datetime | None:
    """„From hans@huber.example Fri Jul  8 12:08:34 2011“, also with a zone."""
    words = line.decode("ascii", "replace").split()
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    start = next((n for n, word in enumerate(words) if word.rstrip(",") in days), None)
    if start is None:
        return None
    found = parsedate_tz(" ".join(words[start:]))
    try:
        return datetime.fromtimestamp(mktime_tz(found), UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None
