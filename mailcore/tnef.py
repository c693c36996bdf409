"""Unpacks winmail.dat, the envelope in which Outlook hides files and text (MS-OXTNEF)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tnefparse import TNEF

from mailcore.charsets import decode_text

TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = b"\x78\x9f\x3e\x22"
_FILE_LIMIT = 200
_ATTRIBUTE_LIMIT = 5000
_ATTRIBUTES_ALWAYS = 200
_BYTES_COPIED = 2_000_000_000
_FIRST_ATTRIBUTE = 6  # behind signature and key
_ATTRIBUTE_HEAD = 9  # level, id and length of the data; a checksum of two bytes follows

# The library reports every unknown property; a mailbox full of them would fill the log.
logging.getLogger("tnefparse").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class TnefFile:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class TnefContent:
    files: tuple[TnefFile, ...]
    text: str
    html: str


def is_tnef(content_type: str, filename: str) -> bool:
    return content_type in TNEF_TYPES or filename.lower() in ("winmail.dat", "win.dat")


def unpack_tnef(data: bytes) -> TnefContent | None:
    """What the envelope holds, or None if it cannot be read or holds nothing."""
    if not data.startswith(_SIGNATURE) or not _is_small(data):
        return None
    try:
        unpacked = TNEF(data, do_checksum=False)
        files = tuple(
            TnefFile(_text(attachment.long_filename()).rstrip("\0"), bytes(attachment.data))
            for attachment in unpacked.attachments[:_FILE_LIMIT]
            if attachment.data
        )
        content = TnefContent(files, _text(unpacked.body), _text(unpacked.htmlbody))
    except Exception:  # noqa: BLE001 - hostile bytes in a foreign parser: anything may be raised
        return None
    return content if content.files or content.text or content.html else None


def _is_small(data: bytes) -> bool:
    """Whether the envelope has few attributes: the library takes its time for each."""
    at = _FIRST_ATTRIBUTE
    # It copies all that follows an attribute.
    most = max(_ATTRIBUTES_ALWAYS, min(_ATTRIBUTE_LIMIT, _BYTES_COPIED // len(data)))
    for _ in range(most):
        if at + _ATTRIBUTE_HEAD > len(data):
            return True
        at += _ATTRIBUTE_HEAD + int.from_bytes(data[at + 5 : at + 9], "little") + 2
    return False


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return decode_text(value.rstrip(b"\0"), None)[0]
    return value.rstrip("\0") if isinstance(value, str) else ""
