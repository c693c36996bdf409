"""Header lines of outgoing messages: encoded words, addresses, parameters, folding (RFC 2047, 2231)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from mailcore.errors import InvalidDraft
from mailcore.messages import Mailbox
from mailcore.recipients import split_address

_WIDTH = 78
_MAX_LINE = 998  # RFC 5322 2.1.1
_WORD_BYTES = 45  # UTF-8 bytes whose base64 fits an encoded word of 75 characters
_LONG_NAME = 64  # a longer one is folded, which only encoded words survive everywhere
_FORBIDDEN = re.compile(r"[\r\n\0]")
_PLAIN = re.compile(r"[\t\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{}~-]+")
_IDS_BYTES = 1500  # all of References


def checked(field: str, value: str) -> str:
    """The value, if no header can be forged with it. Raises InvalidDraft("line-break")."""
    if _FORBIDDEN.search(value):
        raise InvalidDraft(field, "line-break")
    return value


def text_header(name: str, value: str) -> bytes:
    """An unstructured header; anything that would not survive as ASCII becomes encoded words."""
    checked(name, value)
    if _PLAIN.fullmatch(value) and "=?" not in value and value == value.strip():
        folded = _fold(f"{name}: {value}")
        if folded is not None:
            return folded
    return _lines(f"{name}:", encoded_words(value))


def token_header(name: str, value: str) -> bytes:
    """A structured header given as it shall stand there. Raises InvalidDraft where it cannot."""
    checked(name, value)
    folded = _fold(f"{name}: {value}") if _PLAIN.fullmatch(value) else None
    if folded is None:
        raise InvalidDraft(name, "bad-value")
    return folded


def address_header(name: str, mailboxes: Iterable[Mailbox]) -> bytes:
    """Raises InvalidDraft: field = the header's name in lower case, reason = "bad-address"."""
    return _lines(f"{name}:", [_address(name.lower(), mailbox) for mailbox in mailboxes], ",")


def ids_header(name: str, ids: Sequence[str]) -> bytes:
    """Message-IDs, one per line; b"" without any. Strangers' malformed ids are left out.

    Of a long thread the first and the last ids are kept, 1,500 bytes in all.
    """
    brackets = [f"<{bare}>" for raw_id in ids if (bare := bare_id(checked(name, raw_id)))]
    unique = list(dict.fromkeys(brackets))
    if not unique:
        return b""
    room = _IDS_BYTES - len(unique[0]) - 3
    last: list[str] = []
    for one in reversed(unique[1:]):
        room -= len(one) + 3
        if room < 0:
            break
        last.insert(0, one)
    return _lines(f"{name}:", [unique[0], *last])


def bare_id(message_id: str) -> str:
    """Without brackets; "" if it cannot stand in a header."""
    bare = message_id.strip().strip("<>")
    is_fit = bare.isascii() and bare.isprintable() and not re.search(r"[\s<>]", bare)
    return bare if is_fit and len(bare) <= 500 else ""


def parameter(name: str, value: str) -> list[str]:
    """`name=value` as header parts; RFC 2231, in several parts if long, for anything but tokens."""
    if value.isascii() and value.isprintable() and len(value) < 60:
        if _TOKEN.fullmatch(value):
            return [f"{name}={value}"]
        return [f"{name}={_quoted(value)}"]
    pieces = _percent_pieces(value, _WIDTH - len(name) - 14)
    if len(pieces) == 1:
        return [f"{name}*=UTF-8''{pieces[0]}"]
    return [
        f"{name}*{number}*={'' if number else chr(85) + 'TF-8' + chr(39) * 2}{piece}"
        for number, piece in enumerate(pieces)
    ]


def encoded_words(value: str) -> list[str]:
    """RFC 2047 words of at most 75 characters, in UTF-8 and base64 or Q, whichever is shorter."""
    words: list[str] = []
    for piece in _pieces(value, _WORD_BYTES):
        data = piece.encode("utf-8", "replace")
        in_q = "".join(_q_character(byte) for byte in data)
        if len(in_q) <= min(63, 4 * -(-len(data) // 3)):
            words.append(f"=?utf-8?q?{in_q}?=")
        else:
            words.append(f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode()}?=")
    return words


def _address(field: str, mailbox: Mailbox) -> str:
    checked(field, mailbox.name)
    checked(field, mailbox.email)
    parts = split_address(mailbox.email)
    if parts is None:
        raise InvalidDraft(field, "bad-address")
    email = f"{parts[0]}@{parts[1]}"
    name = mailbox.name.strip()
    if not name:
        return email
    if not _PLAIN.fullmatch(name) or "=?" in name or len(name) > _LONG_NAME:
        return "\r\n ".join(encoded_words(name)) + f" <{email}>"
    return f"{name if _ATOMS.fullmatch(name) else _quoted(name)} <{email}>"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines(start: str, parts: Iterable[str], separator: str = "") -> bytes:
    """The parts behind `start`, blank-separated, a new line where one would become too long."""
    lines, current = [], start
    remaining = list(parts)
    for number, part in enumerate(remaining, start=1):
        text = part + (separator if number < len(remaining) else "")
        first_line, _, rest = text.partition("\r\n")
        if len(current) + 1 + len(first_line) > _WIDTH and current.strip() and current != start:
            lines.append(current)
            current = ""
        current = f"{current} {text}"
        if rest:
            *whole, current = current.split("\r\n")
            lines.extend(whole)
    lines.append(current)
    return "\r\n".join(lines).encode() + b"\r\n"


def _fold(line: str) -> bytes | None:
    """Folded at blanks; None if a line stays longer than a mail server must take."""
    if len(line) <= _WIDTH:
        return line.encode() + b"\r\n"
    lines, current = [], ""
    for word in re.split(r"(?<=\S)(?=[ \t]+\S)", line):
        if current and len(current) + len(word) > _WIDTH and not current.endswith(":"):
            lines.append(current)
            current = word
        else:
            current += word
    lines.append(current)
    if any(len(one) > _MAX_LINE for one in lines):
        return None
    return "\r\n".join(lines).encode() + b"\r\n"


def _pieces(value: str, limit: int) -> list[str]:
    """Cut between characters into pieces of at most `limit` UTF-8 bytes."""
    pieces, current, size = [], "", 0
    for character in value:
        width = len(character.encode("utf-8", "replace"))
        if current and size + width > limit:
            pieces.append(current)
            current, size = "", 0
        current += character
        size += width
    return [*pieces, current]


def _percent_pieces(value: str, limit: int) -> list[str]:
    pieces, current = [], ""
    for character in value:
        encoded = quote(character.encode("utf-8", "replace"), safe="")
        if len(current) + len(encoded) > limit:
            pieces.append(current)
            current = ""
        current += encoded
    return [*pieces, current]


def _q_character(byte: int) -> str:
    """Only what RFC 2047 5 (3) allows in a phrase, so that the word may stand in front of an address."""
    character = chr(byte)
    if character == " ":
        return "_"
    return character if character.isascii() and character.isalnum() else f"={byte:02X}"
