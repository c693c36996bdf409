"""Text made comparable for searching, alike on every database: „Müller“ = „MULLER“, „Straße“ = „strasse“."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.db.models import Q

SEARCH_LIMIT = 60_000  # characters; PostgreSQL indexes at most 1 MB of one text
_WORD_LIMIT = 60  # longer runs are encoded data, not words
_SOURCE_LIMIT = 400_000  # characters read of one message
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Case, accents and compatibility forms taken away; ß becomes ss."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _MARKS.sub("", decomposed).casefold()


def search_terms(text: str) -> tuple[str, ...]:
    """The words of a text or query, each once: `hans@huber.de` is hans, huber, de."""
    return tuple(
        dict.fromkeys(word[:_WORD_LIMIT] for word in _WORD.findall(fold(text[:_SOURCE_LIMIT])))
    )


def make_search_text(parts: Iterable[str]) -> str:
    """What is stored to be searched: every word once with a blank before it, the first parts first."""
    words = search_terms("\n".join(parts))
    text = " " + " ".join(words) if words else ""
    if len(text) <= SEARCH_LIMIT:
        return text
    return text[:SEARCH_LIMIT].rpartition(" ")[0]


def matches(query: str, *, field: str = "search_text") -> Q:
    """Rows whose words begin with every word of the query; a query without words finds all."""
    found = Q()
    for term in search_terms(query):
        found &= Q(**{f"{field}__contains": f" {term}"})
    return found
