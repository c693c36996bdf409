"""Conditions in templates: {IF}{PROJEKT}{THEN}…{ELSE}…{ENDIF}, in plain text and in HTML.

A condition is true where its text, the variables filled in, is not empty; with = or != (== and <> too)
it compares, without regard to case: {IF}{SPRACHE} = en{THEN}. Conditions may stand in one another.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping

from mailcore import placeholders

KEYWORDS = ("IF", "THEN", "ELSE", "ENDIF")
_TOKEN = re.compile(r"\{(IF|THEN|ELSE|ENDIF)\}")
_TAG = re.compile(r"<[^<>]*>")
_COMPARISON = re.compile(r"(!=|<>|==?)")
_NOTHING = "LEER"  # stands for an empty branch, so that its line disappears


class BadCondition(ValueError):
    """The keywords do not fit together; `keyword` is the one that is missing or too much."""

    def __init__(self, keyword: str, *, is_missing: bool) -> None:
        super().__init__(keyword)
        self.keyword = keyword
        self.is_missing = is_missing


def fill_conditional(template: str, values: Mapping[str, str], *, escape: bool) -> str:
    """Like placeholders.fill, the conditions decided first. Raises BadCondition."""
    pieces = _TOKEN.split(template)  # text, keyword, text, …, text
    text, at = _read(pieces, 0, values)
    if at < len(pieces):
        raise BadCondition(pieces[at], is_missing=False)
    return placeholders.fill(text, {**values, _NOTHING: ""}, escape=escape)


def check_conditions(template: str) -> None:
    """Raises BadCondition."""
    fill_conditional(template, {}, escape=False)


def unknown_variables(template: str, known: Collection[str]) -> tuple[str, ...]:
    """The variables nobody knows, the words of conditions left out."""
    return placeholders.unknown(template, {*known, *KEYWORDS})


def _read(pieces: list[str], at: int, values: Mapping[str, str]) -> tuple[str, int]:
    """(the text up to a keyword that is not ours, its place or the end)."""
    read = pieces[at] if at % 2 == 0 else ""
    at += 1 if at % 2 == 0 else 0
    while at < len(pieces) and pieces[at] == "IF":
        chosen, at = _choose(pieces, at, values)
        read += (chosen if chosen.strip() else f"{{{_NOTHING}}}") + pieces[at]
        at += 1
    return read, at


def _choose(pieces: list[str], at: int, values: Mapping[str, str]) -> tuple[str, int]:
    """(the branch that holds, the place of the text behind {ENDIF}); `at` is the {IF}."""
    condition, at = _read(pieces, at + 1, {})
    at = _expect("THEN", pieces, at)
    yes, at = _read(pieces, at, values)
    no = ""
    if at < len(pieces) and pieces[at] == "ELSE":
        no, at = _read(pieces, at + 1, values)
    at = _expect("ENDIF", pieces, at)
    return (yes if _holds(condition, values) else no), at


def _expect(keyword: str, pieces: list[str], at: int) -> int:
    if at >= len(pieces) or pieces[at] != keyword:
        raise BadCondition(keyword, is_missing=True)
    return at + 1


def _holds(condition: str, values: Mapping[str, str]) -> bool:
    bare = html.unescape(_TAG.sub("", condition))
    left, operator, right = [*_COMPARISON.split(bare, maxsplit=1), "", ""][:3]
    if not operator:
        return bool(_value(left, values))
    is_equal = _value(left, values) == _value(right, values)
    return is_equal != (operator in {"!=", "<>"})


def _value(text: str, values: Mapping[str, str]) -> str:
    filled = placeholders.fill(text, values, escape=False)
    return filled.replace("\xa0", " ").strip().strip("\"'„“”‚‘’").strip().casefold()
