"""Rewrites HTML into a plain, bounded form before bleach sees it, or refuses it.

bleach and html5lib take quadratic time for deep nesting, unclosed tags and many attributes. The
scan here writes only known tags with quoted attributes, so that both read the same tags.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from mailcore.html_attributes import read_attributes
from mailcore.html_policy import TAGS, ImageCounter, is_allowed_attribute
from mailcore.html_tokens import VOID_TAGS, scan_fast

SOURCE_LIMIT = 8 * 1024 * 1024  # characters, pictures in data: URLs included
MARKUP_LIMIT = 512 * 1024  # characters without those
TAG_LIMIT = 40_000
DEPTH_LIMIT = 120
_END_IMPLIED = frozenset({"p", "li", "dd", "dt", "tr", "td", "th", "tbody", "thead", "tfoot"})
_LONGEST_URL = 8192
_TAGS_REMEMBERED = 1000  # newsletters repeat theirs


class _Written(NamedTuple):
    """A tag in plain form."""

    text: str
    size: int  # without pictures in data: URLs
    pictures: int  # that it would load as its background


def simplify(html: str, counter: ImageCounter) -> str | None:
    """The HTML with known tags and attributes alone; None if it is over a bound."""
    if len(html) > SOURCE_LIMIT:
        return None
    pieces: list[str] = []
    open_tags: dict[str, int] = {}
    written: dict[tuple[str, bool, str], _Written] = {}
    size = tags = depth = 0
    for tag, is_end, value, _, _ in scan_fast(html):
        if not tag:
            piece = value.replace("<", "&lt;").replace(">", "&gt;")
            pieces.append(piece)
            size += len(piece)
        elif tag == "body" or tag in TAGS:
            tags += 1
            plain = written.get((tag, is_end, value))
            if plain is None:
                plain = _write_tag(tag, is_end, value)
                if len(written) < _TAGS_REMEMBERED:
                    written[tag, is_end, value] = plain
            text, length, pictures = plain
            pieces.append(text)
            size += length
            if pictures:
                counter.blocked_images += pictures
            depth += _count(open_tags, tag, is_end)
        else:
            continue
        if size > MARKUP_LIMIT or tags > TAG_LIMIT or depth > DEPTH_LIMIT:
            return None
    return "".join(pieces)


def _count(open_tags: dict[str, int], tag: str, is_end: bool) -> int:
    """How the tag changes the depth; tags whose end is implied nest only inside others."""
    if tag in VOID_TAGS or tag in _END_IMPLIED:
        return 0
    if not is_end:
        open_tags[tag] = open_tags.get(tag, 0) + 1
        return 1
    if not open_tags.get(tag):
        return 0
    open_tags[tag] -= 1
    return -1


def _write_tag(tag: str, is_end: bool, source: str) -> _Written:
    name = "div" if tag == "body" else tag  # a body's colours are kept
    if is_end:
        return _Written(f"</{name}>", len(name) + 3, 0)
    written: list[str] = []
    data = 0
    pictures = 0
    for attribute, value in read_attributes(source):
        if attribute == "background" and value.strip():
            pictures = 1
        if attribute in ("href", "src"):
            value = "".join(char for char in value.strip() if char >= " ")
            if len(value) > _LONGEST_URL and value[:5].lower() != "data:":
                continue
        if is_allowed_attribute(name, attribute, value):
            written.append(f' {attribute}="{escape(value)}"')
            if value[:5].lower() == "data:":
                data += len(value)
    text = f"<{name}{''.join(written)}>"
    return _Written(text, len(text) - data, pictures)
