"""A linear scan of HTML into text and tags: to measure and to read, never to sanitise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(
    r"<(/?)([a-zA-Z][^\s/>]{0,60})((?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)>",
)
_LOOSE_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]{0,60})([^<>]*+)>?")
_MISSES_ALLOWED = 200  # tags with unbalanced quotes after which quotes are no longer looked at
_RAW_TEXT = frozenset({"script", "style", "title", "textarea", "xmp", "noembed", "noframes"})
VOID_TAGS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"}
    | {"track", "wbr"}
)


@dataclass(slots=True)
class Token:
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
    at, misses, length = 0, 0, len(html)
    closed_comments = closed_tags = True
    missing_ends: set[str] = set()
    while at < length:
        opening = html.find("<", at)
        if opening < 0:
            opening = length
        if opening > at:
            yield Token("", False, html[at:opening], at, opening)
        if opening == length:
            return
        following = html[opening + 1 : opening + 2]
        if following in ("!", "?"):
            end = -1
            if closed_comments and html.startswith("<!--", opening):
                end = html.find("-->", opening + 2)
                closed_comments = end >= 0
                end += 3 if end >= 0 else 0
            if end < 0 and closed_tags:
                end = html.find(">", opening) + 1
                closed_tags = end > 0
            at = end if end > 0 else length
            continue
        found = _TAG.match(html, opening) if misses < _MISSES_ALLOWED else None
        if found is None:
            misses += 1
            found = _LOOSE_TAG.match(html, opening)
        if found is None:
            yield Token("", False, "<", opening, opening + 1)
            at = opening + 1
            continue
        name, is_end = found.group(2).lower(), bool(found.group(1))
        at = found.end()
        yield Token(name, is_end, found.group(3), opening, at)
        if name in _RAW_TEXT and not is_end and name not in missing_ends:
            closing = _find_end_tag(html, name, at)
            if closing < 0:
                missing_ends.add(name)
            else:
                at = closing


def _find_end_tag(html: str, name: str, at: int) -> int:
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
    return found.start() if found else -1
