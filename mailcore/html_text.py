"""HTML to readable plain text in linear time: links, lists, quotes, table cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mailcore.charsets import storable
from mailcore.html_entities import unescape
from mailcore.html_tokens import scan_fast

_BLOCKS = frozenset(
    {"div", "table", "address", "article", "aside", "section", "header", "footer", "main"}
    | {"form", "fieldset", "figure", "figcaption", "center", "dd", "dt", "caption", "body", "nav"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote"})
_SKIPPED_ELEMENTS = frozenset({"head", "template", "object", "svg", "math"})
_SKIPPED = _SKIPPED_ELEMENTS | {"script", "style", "title"}  # their content never comes as a token
_CELLS = frozenset({"td", "th"})
_HREF = re.compile(r"(?:^|\s)href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_ALT = re.compile(r"(?:^|\s)alt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_FIRST_HREF = re.compile(r"\s*href=\"([^\"]*)\"", re.IGNORECASE)
_BEFORE_HOST = re.compile(r"^(?:https?://)?(?:www\.)?")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_UNEVEN = re.compile(r"[\t\r\n\f]|  ")
_INVISIBLE = re.compile("[\u200b\u200c\u2060\ufeff\u00ad\u034f]+")
LONGEST_TEXT = 500_000  # characters; more than is stored of any text
_DEEPEST_QUOTE = 10
_DEEPEST_LIST = 8


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)  # of the line being written
    quotes: int = 0
    lists: list[int] = field(default_factory=list)  # next number, 0 for bullets
    marker: str = ""  # written before the next text
    size: int = 0  # characters of the lines
    cells: int = 0
    preformatted: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    link: str = ""
    link_pieces: list[str] | None = None
    ends_blank: bool = True
    wants_gap: bool = False
    gap_quotes: int = 0  # the blank line belongs to the outer one of two quotes

    def write(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            if first:
                self._append(first)
            for line in others:
                self.break_line(force=True)
                if line:
                    self._append(line)
            return
        if _UNEVEN.search(text):
            text = _BLANKS.sub(" ", text)
        if self.ends_blank:
            text = text.lstrip(" ")
            if not text:
                return
        self._append(text)

    def _append(self, text: str) -> None:
        if self.marker:
            text, self.marker = f"{self.marker}{text}", ""
        self.pieces.append(text)
        self.ends_blank = text[-1:] == " "
        if self.link_pieces is not None:
            self.link_pieces.append(text)

    def break_line(self, *, force: bool = False) -> None:
        self.ends_blank = True
        line = ""
        if self.pieces:
            line = "".join(self.pieces).rstrip()
            self.pieces.clear()
        if not line and not force:
            return
        self.size += len(line) + 1
        if not (self.quotes or self.lists or self.wants_gap):
            self.lines.append(line)
            return
        prefix = "> " * min(self.quotes, _DEEPEST_QUOTE)
        if self.wants_gap and self.lines:
            gap = ("> " * min(self.gap_quotes, self.quotes, _DEEPEST_QUOTE)).rstrip()
            if self.lines[-1].strip("> "):
                self.lines.append(gap)
        self.wants_gap = False
        indent = "  " * (min(len(self.lists), _DEEPEST_LIST) - 1) if self.lists else ""
        self.size += len(prefix) + len(indent)
        self.lines.append(f"{prefix}{indent}{line}".rstrip())

    def paragraph(self) -> None:
        if self.pieces:
            self.break_line()
        self.ends_blank = True
        if not self.wants_gap or self.quotes < self.gap_quotes:
            self.gap_quotes = self.quotes
        self.wants_gap = True


def html_to_text(html: str) -> str:
    """Readable text of HTML; never raises, at most one blank line in a row.

    What follows the first LONGEST_TEXT characters is left out.
    """
    writer = _Writer()
    skipped, handlers = writer.skipped, _HANDLERS
    for tag, is_end, source, _, _ in scan_fast(html):
        if not tag:
            if not skipped:
                writer.write(_readable(source))
                if writer.size > LONGEST_TEXT:
                    break
        elif tag in _SKIPPED:
            _skip(writer, tag, is_end, source)
        elif not skipped or tag == "body":
            if skipped:
                skipped.clear()
            handle = handlers.get(tag)
            if handle:
                handle(writer, is_end, source)
    _link(writer, is_end=True, source="")
    writer.break_line()
    return storable("\n".join(_squeeze(writer.lines)).replace("\u00a0", " "))


def _readable(text: str) -> str:
    text = unescape(text)
    if not text.isascii() and _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
    return text


def _squeeze(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _skip(writer: _Writer, tag: str, is_end: bool, source: str) -> None:
    if is_end:
        writer.skipped.pop(tag, None)
    elif tag in _SKIPPED_ELEMENTS and not source.endswith("/"):
        writer.skipped[tag] = 1


def _block(writer: _Writer, is_end: bool, source: str) -> None:
    writer.break_line()


def _row(writer: _Writer, is_end: bool, source: str) -> None:
    writer.break_line()
    writer.cells = 0


def _paragraph(writer: _Writer, is_end: bool, source: str) -> None:
    writer.paragraph()


def _line_break(writer: _Writer, is_end: bool, source: str) -> None:
    if writer.pieces or writer.wants_gap or writer.quotes or writer.lists:
        writer.break_line(force=True)
        return
    writer.ends_blank = True
    writer.size += 1
    writer.lines.append("")


def _rule(writer: _Writer, is_end: bool, source: str) -> None:
    writer.break_line()
    writer.write("-" * 20)
    writer.break_line()


def _cell(writer: _Writer, is_end: bool, source: str) -> None:
    if is_end:
        return
    if writer.cells and writer.pieces:
        writer.pieces.append("\t" if not writer.ends_blank else "")
        writer.ends_blank = True
    writer.cells += 1


def _quote(writer: _Writer, is_end: bool, source: str) -> None:
    writer.paragraph()
    writer.quotes = max(0, writer.quotes + (-1 if is_end else 1))


def _bullets(writer: _Writer, is_end: bool, source: str) -> None:
    _list(writer, is_end, first_number=0)


def _numbers(writer: _Writer, is_end: bool, source: str) -> None:
    _list(writer, is_end, first_number=1)


def _list(writer: _Writer, is_end: bool, first_number: int) -> None:
    writer.break_line()
    if not is_end:
        writer.wants_gap = writer.wants_gap or not writer.lists
        writer.lists.append(first_number)
    elif writer.lists:
        writer.lists.pop()
        writer.wants_gap = not writer.lists


def _item(writer: _Writer, is_end: bool, source: str) -> None:
    writer.break_line()
    writer.marker = ""
    if is_end:
        return
    if writer.lists and writer.lists[-1]:
        writer.marker = f"{writer.lists[-1]}. "
        writer.lists[-1] += 1
    else:
        writer.marker = "- "


def _pre(writer: _Writer, is_end: bool, source: str) -> None:
    writer.paragraph()
    writer.preformatted = max(0, writer.preformatted + (-1 if is_end else 1))


def _link(writer: _Writer, is_end: bool, source: str) -> None:
    if writer.link_pieces is not None:
        _end_link(writer, writer.link_pieces)
    if is_end:
        return
    if "=" not in source:
        return
    found = _FIRST_HREF.match(source) or _HREF.search(source)
    if found is None:
        return
    href = "".join(unescape(found[found.lastindex or 1]).split())
    if href[:8].lower().startswith(("http://", "https://", "mailto:")):
        writer.link = href
        writer.link_pieces = []


def _end_link(writer: _Writer, pieces: list[str]) -> None:
    """Behind the text of a link stands its target, unless the text already says it."""
    writer.link_pieces = None
    label = "".join(pieces).strip()
    if not label:
        return
    target = writer.link
    shown = target.split(":", 1)[1].split("?", 1)[0] if target[:7] == "mailto:" else target
    if "." not in label or _comparable(shown) != _comparable(label):
        writer.write(f"<{shown}>" if writer.ends_blank else f" <{shown}>")


def _comparable(address: str) -> str:
    return _BEFORE_HOST.sub("", address.lower().rstrip("/"))


def _image(writer: _Writer, is_end: bool, source: str) -> None:
    found = _ALT.search(source)
    alt = unescape(found.group(1) or found.group(2) or "").strip() if found else ""
    if alt and not writer.pieces and len(alt) < 200:
        writer.write(f"[{alt}]")


_HANDLERS: dict[str, Callable[[_Writer, bool, str], None]] = {
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_PARAGRAPHS, _paragraph),
    **dict.fromkeys(_CELLS, _cell),
    "br": _line_break,
    "hr": _rule,
    "blockquote": _quote,
    "tr": _row,
    "ul": _bullets,
    "ol": _numbers,
    "li": _item,
    "pre": _pre,
    "a": _link,
    "img": _image,
}
