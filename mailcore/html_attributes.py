"""Reads the attributes of a tag in linear time."""

from __future__ import annotations

import re

from mailcore.html_entities import unescape

_ATTRIBUTE = re.compile(
    r"([a-zA-Z_:][\w:.-]{0,60})(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?"
)
_ATTRIBUTE_LIMIT = 60


def read_attributes(source: str) -> list[tuple[str, str]]:
    """Names in lower case and unescaped values in order; the first of a name counts."""
    attributes: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(source):
        name = found[1].lower()
        if name in attributes:
            continue
        if len(attributes) >= _ATTRIBUTE_LIMIT:
            break
        value = found[found.lastindex or 1] if found.lastindex != 1 else ""
        attributes[name] = unescape(value)
    return list(attributes.items())
