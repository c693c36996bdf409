"""Text made comparable for searching, alike on every database: „Müller“ = „MULLER“, „Straße“ = „strasse“."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum

from django.db import connection
from django.db.models import Q

from mailstore.search_index import find_ids

SEARCH_LIMIT = 60_000  # characters; PostgreSQL indexes at most 1 MB of one text
_WORD_LIMIT = 60  # longer runs are encoded data, not words
_MOST_TERMS = 30  # of a query
_SOURCE_LIMIT = 400_000  # characters read of one message
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_WORD = re.compile(r"[^\W_]+")


class Place(StrEnum):
    """Where in a message a word stands, as a mark before the word that nobody can type into a query."""

    SUBJECT = "\ue000"
    SENDER = "\ue001"
    RECIPIENT = "\ue002"


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


def make_search_text(
    parts: Iterable[str], *, places: Mapping[Place, Iterable[str]] | None = None
) -> str:
    """What is stored to be searched: every word once with a blank before it, the first parts first.

    The words of a place stand there once more with its mark.
    """
    marked = [
        f"{place}{word}"
        for place, texts in (places or {}).items()
        for word in search_terms("\n".join(texts))
    ]
    words = (*marked, *search_terms("\n".join(parts)))
    text = " " + " ".join(words) if words else ""
    if len(text) <= SEARCH_LIMIT:
        return text
    return text[:SEARCH_LIMIT].rpartition(" ")[0]


def matches(query: str, *, message: str = "pk", place: Place | None = None) -> Q:
    """Rows whose message has words beginning with every word of the query, anywhere or in one place.

    `message` is the path to the StoredMessage. A query without words finds all.
    """
    terms = tuple(f"{place or ''}{term}" for term in search_terms(query)[:_MOST_TERMS])
    return Q(**{f"{message}__in": find_ids(connection, terms)}) if terms else Q()
