"""Variables in templates: {TICKET}, {MITARBEITER_TELEFON} …, in plain text and in HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping

_VARIABLE = re.compile(r"\{([A-ZÄÖÜ][A-ZÄÖÜ0-9_]*)\}")
_TEXT_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LINE_ENDING = re.compile(r"\r\n|\r|\n")
_TAG = re.compile(r"(<!--.*?-->|</?[a-zA-Z][^<>]*>)", re.DOTALL)
_TAG_NAME = re.compile(r"</?([a-zA-Z0-9]+)")
# Tags that end a line on the page. What is not named here (span, b, a, …) runs within a line.
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|footer|form|h[1-6]|head"
    "|header|hr|html|li|main|nav|ol|p|pre|section|style|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_VISIBLE = frozenset(("img", "input", "button", "object", "video", "svg"))
_REMOVABLE = frozenset(("address", "center", "dd", "div", "dt", "li", "p"))
# What stands before a variable and means nothing without it: „Mobil“, „Tel.“, „Direkte Durchwahl:“.
_LABEL = re.compile(r"[^\W\d_][\w./-]{0,29}:?|[^\W\d_][^:\n]{0,29}:")


def fill(
    template: str, values: Mapping[str, str], *, escape: bool, labelled: Collection[str] = ()
) -> str:
    """The template with its variables' values; with `escape` it is HTML and the values are text.

    A line (in HTML: what stands between two blocks or <br>) whose only content are empty variables
    disappears; those in `labelled` take the label before them along: „Mobil {MITARBEITER_MOBIL}“.
    Unknown variables stay. Values are never read as templates themselves.
    """
    if escape:
        return _fill_html(template, values, labelled)
    lines = _TEXT_LINE.findall(template)
    return "".join(
        _replaced(line, values) for line in lines if not _vanishes(line, values, labelled)
    )


def unknown(template: str, known: Collection[str]) -> tuple[str, ...]:
    """The variables the template uses and nobody knows, each once, in order."""
    names = dict.fromkeys(match[1] for match in _VARIABLE.finditer(template))
    return tuple(name for name in names if name not in known)


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def _replaced_in_html(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        lines = _LINE_ENDING.split(html.escape(values[match[1]]))
        return (" " if _name(text) else "<br>\n").join(lines)

    return _VARIABLE.sub(value, text)


def _vanishes(line: str, values: Mapping[str, str], labelled: Collection[str]) -> bool:
    """At least one variable, all of them known and empty, and nothing else to be seen."""
    names = _VARIABLE.findall(line)
    if not names or any(values.get(name, "?").strip() for name in names):
        return False
    rest = html.unescape(_VARIABLE.sub("", line)).strip()
    if not rest:
        return True
    has_label = all(name in labelled for name in names) and line.rstrip().endswith("}")
    return has_label and _LABEL.fullmatch(rest) is not None


def _fill_html(template: str, values: Mapping[str, str], labelled: Collection[str]) -> str:
    tokens = _without_empty_lines(_TAG.split(template), values, labelled)  # text, tag, text, …
    return "".join(_replaced_in_html(token, values) for token in tokens)


def _without_empty_lines(
    tokens: list[str], values: Mapping[str, str], labelled: Collection[str]
) -> list[str]:
    kept: list[str] = []
    for line, end in _lines(tokens):
        text = "".join(token for token in line if not _name(token))
        if any(_name(token) in _VISIBLE for token in line) or not _vanishes(text, values, labelled):
            kept += [*line, end]
            continue
        # Formatting that begins or ends in this line goes on in its neighbours.
        formatting = [token for token in line if _name(token)]
        kept += [] if _is_balanced(formatting) else formatting
        opened = kept[-1] if kept else ""
        if _name(end) in _REMOVABLE and end.startswith("</") and _opens(opened, _name(end)):
            kept.pop()
        elif _name(opened) == "br" and _name(end) != "br":
            kept[-1] = end
        elif _name(end) != "br":
            kept.append(end)
    return kept


def _lines(tokens: list[str]) -> Iterator[tuple[list[str], str]]:
    """(what stands in one line, the block tag behind it or "")."""
    line: list[str] = []
    for token in tokens:
        if _BLOCKS.fullmatch(_name(token)):
            yield line, token
            line = []
        elif token:
            line.append(token)
    yield line, ""


def _name(token: str) -> str:
    """The tag's name in lower case, "" for text."""
    match = _TAG_NAME.match(token)
    return match[1].lower() if match and token.endswith(">") else ""


def _opens(token: str, name: str) -> bool:
    return _name(token) == name and not token.startswith("</")


def _is_balanced(tags: list[str]) -> bool:
    depth = 0
    for tag in tags:
        depth += -1 if tag.startswith("</") else 1
        if depth < 0:
            return False
    return depth == 0
