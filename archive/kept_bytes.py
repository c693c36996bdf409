"""Bytes that stay after a message is gone: each app above names those it needs, in settings.BYTES_KEEPERS.

Whoever attaches the original of a mail to a document has the same bytes in the store as the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.conf import settings
from django.utils.module_loading import import_string

FindKept = Callable[[Collection[str]], set[str]]


def find_kept(hashes: Collection[str]) -> set[str]:
    """Which of these SHA-256 somebody above still needs."""
    finders: list[FindKept] = [import_string(path) for path in settings.BYTES_KEEPERS]
    return set().union(*(find(hashes) for find in finders))
