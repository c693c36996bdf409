"""What lists show of a message and what it is found by."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.messages import ParsedMessage
from mailcore.search_words import search_text_of

_PREVIEW = 200


@dataclass(frozen=True, slots=True)
class Digest:
    preview: str
    search_text: str
    has_html: bool


def digest_of(parsed: ParsedMessage) -> Digest:
    return Digest(_preview(parsed.text[:4000]), search_text_of(parsed), bool(parsed.html))


def _preview(text: str) -> str:
    """The first words, quoted lines left out where others remain."""
    own = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    return " ".join(("\n".join(own) or text).split())[:_PREVIEW]
