"""A linear scan of HTML into text and tags: to measure and to read, never to sanitise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# A tag; one with unbalanced quotes, read up to the next bracket; a comment or declaration.
_MARKUP = re.compile(
    r"<(?:(/?)([a-zA-Z][^\s/<>]{0,60})(?:((?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>|([^<>]*+)>?)|([!?]))"
)
_LOOSE_MARKUP = re.compile(r"<(?:(/?)([a-zA-Z][^\s/<>]{0,60})()([^<>]*+)>?|([!?]))")
_MISSES_ALLOWED = 50  # tags with unbalanced quotes after which quotes are no longer looked at
_TAGS_REMEMBERED = 500  # most mails repeat theirs
_RAW_TEXT = frozenset({"script", "style", "title", "textarea", "xmp", "noembed", "noframes"})
_RAW_TEXT_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW_TEXT}
VOID_TAGS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"}
    | {"track", "wbr"}
)


class Token(NamedTuple):
    """A run of text (`tag` is ""), or a tag. `start` and `end` are its place in the source."""

    tag: str  # lower case
    is_end: bool
    value: str  # the text, or what stands behind the tag's name
    start: int
    end: int


def scan(html: str) -> Iterator[Token]:
    """Tags and texts in order; comments, doctypes and the content of scripts, styles are left out.

    Every character is looked at a bounded number of times, whatever the input.
    """
    return map(Token._make, scan_fast(html))


def scan_fast(html: str) -> Iterator[tuple[str, bool, str, int, int]]:
    """The tokens of `scan` as bare tuples, for those who read every mail that comes in."""
    at, misses, length = 0, 0, len(html)
    skip = _Skipper(html)
    pattern = _MARKUP
    known: dict[str, tuple[str, bool, str, bool]] = {}  # name, is_end, value, is_raw
    while at < length:
        for found in pattern.finditer(html, at):
            opening, end = found.span()
            if opening > at:
                yield "", False, html[at:opening], at, opening
            at = end
            tag = known.get(found[0])
            if tag is None:
                slash, name, value, loose, is_declaration = found.groups()
                if is_declaration:
                    at = skip.declaration(opening)
                    break
                if loose is not None:
                    misses += 1
                    value = loose
                name = name.lower()
                tag = name, slash != "", value, name in _RAW_TEXT and not slash
                if len(known) < _TAGS_REMEMBERED and (loose is None or misses > _MISSES_ALLOWED):
                    known[found[0]] = tag
            name, is_end, value, is_raw = tag
            yield name, is_end, value, opening, end
            if is_raw:
                at = skip.raw_text(name, end)
                if at > end:
                    break
            elif misses == _MISSES_ALLOWED:
                misses += 1
                pattern = _LOOSE_MARKUP
                break
        else:
            if at < length:
                yield "", False, html[at:], at, length
            return


class _Skipper:
    """Finds ends; one that was missed once is not looked for again: that keeps it linear."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._closed_comments = self._closed_tags = True
        self._missing_ends: set[str] = set()

    def declaration(self, opening: int) -> int:
        """The place behind the comment or declaration that opens there."""
        html, end = self._html, -1
        if self._closed_comments and html.startswith("<!--", opening):
            end = html.find("-->", opening + 2)
            self._closed_comments = end >= 0
            end += 3 if end >= 0 else 0
        if end < 0 and self._closed_tags:
            end = html.find(">", opening) + 1
            self._closed_tags = end > 0
        return end if end > 0 else len(html)

    def raw_text(self, name: str, at: int) -> int:
        """The place of the end tag of an element whose content is no markup."""
        if name in self._missing_ends:
            return at
        found = _RAW_TEXT_ENDS[name].search(self._html, at)
        if found is None:
            self._missing_ends.add(name)
            return at
        return found.start()
