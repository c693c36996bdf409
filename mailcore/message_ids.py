"""Message-IDs out of their headers, broken ones included; the same id reads the same everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from mailcore.charsets import one_line

_BRACKETED = re.compile(r"<([^<>]*)>")
_LONGEST = 900  # characters; RFC 5322 allows a line of 998
_REFERENCES_KEPT = 500


def derive_message_id(raw: bytes) -> str:
    """A stable id for a message that has none: the same bytes always give the same."""
    return f"{hashlib.sha256(raw).hexdigest()[:40]}@ohne-message-id.invalid"


def parse_ids(text: str) -> tuple[str, ...]:
    """All ids of a header value in order, each once, without brackets."""
    found = [_tidy(inner) for inner in _BRACKETED.findall(text)]
    if not any(found):
        # No brackets at all, or only one of them.
        found = [_tidy(word.strip("<>,;\"'")) for word in text.split() if "@" in word]
    unique = tuple(dict.fromkeys(one_id for one_id in found if one_id))
    if len(unique) > _REFERENCES_KEPT:
        return (unique[0], *unique[1 - _REFERENCES_KEPT :])
    return unique


def first_id(values: Iterable[str]) -> str:
    """The id of the first header value that holds one; "" if none does."""
    for value in values:
        ids = parse_ids(value)
        if ids:
            return ids[0]
        bare = _tidy(value.strip().strip("<>"))
        if bare:
            return bare
    return ""


def _tidy(text: str) -> str:
    text = "".join(one_line(text).split())
    if len(text) > _LONGEST:
        return f"{hashlib.sha256(text.encode()).hexdigest()[:40]}@zu-lang.invalid"
    return text
