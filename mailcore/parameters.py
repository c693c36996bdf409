"""Content-Type and Content-Disposition with their parameters (RFC 2045, 2231), tolerantly."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from mailcore.charsets import decode_text
from mailcore.encoded_words import decode_words

_LONGEST = 16 * 1024  # characters of one value that are looked at
_TYPE = re.compile(r"\s*([\w!#$&^.+-]+)\s*(?:/\s*([\w!#$&^.+-]+))?", re.ASCII)
_PARAMETER = re.compile(r"([^\s=;\"]{1,100})\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"|([^;]*))", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\])")
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})(\*?)\Z")


def parse_value(text: str) -> tuple[str, dict[str, str]]:
    """The value in lower case ("" if it is none) and its parameters, decoded; the first counts."""
    text = text[:_LONGEST]
    text = text.lstrip("\"' \t") if text.lstrip()[:1] in ('"', "'") else text
    found = _TYPE.match(text)
    if not found or text.startswith("=", found.end()):
        return "", _read_parameters(text)
    main, sub = found.group(1).lower(), (found.group(2) or "").lower()
    return f"{main}/{sub}" if sub else main, _read_parameters(text[found.end() :])


def _read_parameters(text: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(text):
        name = found.group(1).lower().strip()
        quoted = found.group(2)
        if quoted is not None:
            value = _ESCAPED.sub(r"\1", quoted)
        else:
            value = found.group(3).strip().strip('"').strip()
        continued = _CONTINUED.match(name)
        if continued:
            place = int(continued.group(2))
            part = (value, bool(continued.group(3)))
            pieces.setdefault(continued.group(1), {}).setdefault(place, part)
        elif name.endswith("*"):
            extended.setdefault(name[:-1], _decode_extended(value))
        else:
            plain.setdefault(name, decode_words(value) if "=?" in value else value)
    joined = {name: _join(by_place) for name, by_place in pieces.items()}
    return {**plain, **joined, **extended}


def _decode_extended(value: str) -> str:
    charset, rest = _split_charset(value)
    return decode_text(unquote_to_bytes(rest), charset)[0]


def _split_charset(value: str) -> tuple[str, str]:
    pieces = value.split("'", 2)
    return (pieces[0], pieces[2]) if len(pieces) == 3 else ("", value)


def _join(by_place: dict[int, tuple[str, bool]]) -> str:
    charset, data = "", b""
    for at, place in enumerate(sorted(by_place)):
        value, is_extended = by_place[place]
        if is_extended and at == 0:
            charset, value = _split_charset(value)
        data += unquote_to_bytes(value) if is_extended else value.encode("utf-8", "replace")
    text = decode_text(data, charset)[0]
    return decode_words(text) if "=?" in text else text
