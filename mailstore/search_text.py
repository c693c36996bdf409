"""Looks for stored messages by words."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q

from mailcore.search_words import Place, search_terms
from mailstore.search_index import find_ids

_MOST_TERMS = 30  # of a query


def matches(query: str, *, message: str = "pk", place: Place | None = None) -> Q:
    """Rows whose message has words beginning with every word of the query, anywhere or in one place.

    `message` is the path to the StoredMessage. A query without words finds all.
    """
    terms = tuple(f"{place or ''}{term}" for term in search_terms(query)[:_MOST_TERMS])
    return Q(**{f"{message}__in": find_ids(connection, terms)}) if terms else Q()
