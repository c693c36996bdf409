"""Character references of HTML to characters; the same one of a text is looked up once."""

from __future__ import annotations

import html
import re

# Exactly what html.unescape takes for one; that calls Python code for every single one.
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")


_REMEMBERED = 1000


class _Meanings(dict[str, str]):
    def __missing__(self, reference: str) -> str:
        meaning = html.unescape(reference)
        if len(self) < _REMEMBERED:
            self[reference] = meaning
        return meaning


def unescape(text: str) -> str:
    """As html.unescape."""
    if "&" not in text:
        return text
    meanings = _Meanings()
    return _REFERENCE.sub(lambda found: meanings[found[0]], text)
