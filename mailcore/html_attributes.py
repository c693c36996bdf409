"""Reads the attributes of a tag in linear time."""

from __future__ import annotations

import re
from html import unescape

_ATTRIBUTE = re.compile(
    r"([a-zA-Z_:][\w:.-]{0,60})(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?"
)
_ATTRIBUTE_LIMIT = 60


def read_attributes(source: str) -> list[tuple[str, str]]:
    """Names in lower case and unescaped values in order; the first of a name counts."""
    attributes: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(source):
        if len(attributes) >= _ATTRIBUTE_LIMIT:
            break
        name, *values = found.groups()
        value = next((one for one in values if one is not None), "")
        attributes.setdefault(name.lower(), unescape(value) if "&" in value else value)
    return list(attributes.items())
