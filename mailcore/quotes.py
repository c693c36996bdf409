"""Where the new text of a reply ends and the quoted rest begins."""

from __future__ import annotations

import re

_LONGEST_LINE = 1000  # characters of a line that are looked at
_LINES_SEARCHED = 20_000  # no quote begins further down
_ATTRIBUTION_LINES = 4
_ATTRIBUTION_START = re.compile(
    r"\s*(?:>\s*)?(?:am|on|il|le|el|op)\b.*\d|\s*\S.*<[^<>\s@]+@[^<>\s]+>", re.I
)
_ATTRIBUTION = re.compile(
    r"\s*(?:am\b.*\bschrieb\b.*|on\b.*\bwrote\b.*|.*<[^<>\s]+@[^<>\s]+>\s*(?:schrieb|wrote)\b.*"
    r"|le\b.*\ba écrit\b.*|il\b.*\bha scritto\b.*|op\b.*\bschreef\b.*):\s*",
    re.IGNORECASE | re.DOTALL,
)
_EVIDENCE = re.compile(r"\b\d{4}\b|\d{1,2}:\d{2}|\S@\S")
_SEPARATOR = re.compile(
    r"\s*-{2,}\s*(?:ursprüngliche nachricht|originalnachricht|original[ -]message|original-nachricht"
    r"|urspr\. nachricht|weitergeleitete nachricht|forwarded message|original appointment"
    r"|ursprünglicher termin)\s*-{2,}\s*",
    re.IGNORECASE,
)
_OUTLOOK_LABEL = re.compile(
    r"[\s*]*(von|gesendet|datum|an|cc|betreff|from|sent|date|to|subject)[\s*]*:[\s*]*\S?",
    re.IGNORECASE,
)
_OUTLOOK_FIRST = frozenset({"von", "from"})
_OUTLOOK_SECOND = frozenset({"gesendet", "datum", "sent", "date", "an", "to"})
_RULE = re.compile(r"\s*_{10,}\s*|\s*-{10,}\s*")
_QUOTED = re.compile(r"\s{0,3}(?:>|&gt;)")


def split_quoted(text: str) -> tuple[str, str]:
    """The new text and the quoted rest; joined they are the input.

    Where a reply stands below or between the quotes, or where nothing but quotes is left,
    all of it is new text: nothing is ever hidden that might have been written now.
    """
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    at = _find_start(lines)
    new = "".join(lines[:at])
    if at >= len(lines) or not new.strip():
        return text, ""
    return new, "".join(lines[at:])


def _find_start(lines: list[str]) -> int:
    ends_quoted = _quoted_ends(lines)
    for at, line in enumerate(lines[:_LINES_SEARCHED]):
        if line.isspace():
            continue
        short = line[:_LONGEST_LINE]
        if _SEPARATOR.fullmatch(short) or _is_outlook_block(lines, at):
            return _include_rule(lines, at)
        size = _attribution_size(lines, at)
        if size and ends_quoted[at + size]:
            return at
        if _QUOTED.match(short) and ends_quoted[at]:
            return at
    return len(lines)


def _quoted_ends(lines: list[str]) -> list[bool]:
    """For each line whether no new text follows from there: all is marked as a quote, or nothing.

    An unmarked quote counts behind an attribution if nothing below it is marked.
    """
    marked = unmarked = 0
    ends = [False]
    for line in reversed(lines):
        if _QUOTED.match(line[:_LONGEST_LINE]):
            marked += 1
        elif line.strip():
            unmarked += 1
        ends.append(bool(marked) != bool(unmarked))
    return ends[::-1]


def _attribution_size(lines: list[str], at: int) -> int:
    """The number of lines of an „Am … schrieb …:" that begins here, 0 if none does."""
    if not _ATTRIBUTION_START.match(lines[at][:_LONGEST_LINE]):
        return 0
    joined = ""
    for size, line in enumerate(lines[at : at + _ATTRIBUTION_LINES], 1):
        if not line.strip():
            return 0
        joined += line[:_LONGEST_LINE].rstrip() + " "
        if joined.rstrip().endswith(":"):
            is_one = _ATTRIBUTION.fullmatch(joined) and _EVIDENCE.search(joined)
            return size if is_one else 0
    return 0


def _is_outlook_block(lines: list[str], at: int) -> bool:
    first = _OUTLOOK_LABEL.match(lines[at][:_LONGEST_LINE])
    if not first or first.group(1).lower() not in _OUTLOOK_FIRST:
        return False
    labels: set[str] = set()
    for line in lines[at + 1 : at + 8]:
        found = _OUTLOOK_LABEL.match(line[:_LONGEST_LINE])
        if found:
            labels.add(found.group(1).lower())
    return bool(labels & _OUTLOOK_SECOND) and bool(
        labels & {"betreff", "subject", "gesendet", "sent"}
    )


def _include_rule(lines: list[str], at: int) -> int:
    """The line Outlook draws above its block belongs to the quoted rest."""
    before = at - 1
    while before >= 0 and not lines[before].strip():
        before -= 1
    return before if before >= 0 and _RULE.fullmatch(lines[before][:_LONGEST_LINE]) else at
