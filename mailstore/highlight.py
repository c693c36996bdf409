"""Marks in a text the words that a search found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from mailcore.search_words import search_terms

_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
_BLANKS = re.compile(r"\s+")
_BEFORE = 60  # characters shown before the first hit


def highlight(text: str, query: str) -> SafeString:
    """The text as HTML with <mark> around the words that begin with a word of the query."""
    parts, end = [], 0
    for start, stop in _hits(text, query):
        parts.append(f"{escape(text[end:start])}<mark>{escape(text[start:stop])}</mark>")
        end = stop
    return mark_safe("".join(parts) + escape(text[end:]))  # noqa: S308 - every part is escaped


def excerpt(text: str, query: str, *, length: int = 200) -> str:
    """The piece of the text around the first hit, on one line; "" without a hit."""
    first = next(_hits(text, query), None)
    if first is None:
        return ""
    start = max(0, first[0] - _BEFORE)
    piece = text[start : start + length]
    if start:
        piece = "… " + (piece.partition(" ")[2] if " " in piece[:_BEFORE] else piece)
    return _BLANKS.sub(" ", piece).strip() + (" …" if start + length < len(text) else "")


def _hits(text: str, query: str) -> Iterator[tuple[int, int]]:
    terms = search_terms(query)
    if not terms:
        return
    for match in _WORD.finditer(text):
        if any(word.startswith(terms) for word in search_terms(match[0])):
            yield match.span()
