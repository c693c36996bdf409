"""HTML to readable plain text in linear time: links, lists, quotes, table cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape

from mailcore.charsets import storable
from mailcore.html_tokens import Token, scan

_BLOCKS = frozenset(
    {"div", "table", "tr", "address", "article", "aside", "section", "header", "footer", "main"}
    | {"form", "fieldset", "figure", "figcaption", "center", "dd", "dt", "caption", "body", "nav"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote"})
_SKIPPED = frozenset({"head", "script", "style", "title", "template", "object", "svg", "math"})
_CELLS = frozenset({"td", "th"})
_HREF = re.compile(r"(?:^|\s)href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_ALT = re.compile(r"(?:^|\s)alt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_INVISIBLE = re.compile("[\u200b\u200c\u2060\ufeff\u00ad\u034f]+")
_DEEPEST_QUOTE = 10
_DEEPEST_LIST = 8


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)  # of the line being written
    quotes: int = 0
    lists: list[int] = field(default_factory=list)  # next number, 0 for bullets
    marker: str = ""  # written before the next text
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
            self._append(first)
            for line in others:
                self.break_line(force=True)
                self._append(line)
            return
        text = _BLANKS.sub(" ", text)
        if self.ends_blank:
            text = text.lstrip(" ")
        self._append(text)

    def _append(self, text: str) -> None:
        if not text:
            return
        if self.marker:
            text, self.marker = f"{self.marker}{text}", ""
        self.pieces.append(text)
        self.ends_blank = text[-1] == " "
        if self.link_pieces is not None:
            self.link_pieces.append(text)

    def break_line(self, *, force: bool = False) -> None:
        line = "".join(self.pieces).rstrip()
        self.pieces.clear()
        self.ends_blank = True
        if not line and not force:
            return
        prefix = "> " * min(self.quotes, _DEEPEST_QUOTE)
        if self.wants_gap and self.lines:
            gap = ("> " * min(self.gap_quotes, self.quotes, _DEEPEST_QUOTE)).rstrip()
            if self.lines[-1].strip("> "):
                self.lines.append(gap)
        self.wants_gap = False
        indent = "  " * (min(len(self.lists), _DEEPEST_LIST) - 1) if self.lists else ""
        self.lines.append(f"{prefix}{indent}{line}".rstrip())

    def paragraph(self) -> None:
        self.break_line()
        self.gap_quotes = min(self.gap_quotes, self.quotes) if self.wants_gap else self.quotes
        self.wants_gap = True


def html_to_text(html: str) -> str:
    """Readable text of HTML; never raises, at most one blank line in a row."""
    writer = _Writer()
    for token in scan(html):
        if not token.tag:
            if not writer.skipped:
                writer.write(_INVISIBLE.sub("", unescape(token.value)))
        elif token.tag in _SKIPPED:
            _skip(writer, token)
        elif not writer.skipped or token.tag == "body":
            writer.skipped.clear()
            _HANDLERS.get(token.tag, _ignore)(writer, token)
    _end_link(writer)
    writer.break_line()
    return storable("\n".join(_squeeze(writer.lines)).replace("\u00a0", " "))


def _squeeze(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _skip(writer: _Writer, token: Token) -> None:
    if token.is_end:
        writer.skipped.pop(token.tag, None)
    elif token.tag in ("head", "template", "object", "svg", "math") and not token.value.endswith(
        "/"
    ):
        writer.skipped[token.tag] = 1


def _ignore(writer: _Writer, token: Token) -> None:
    """Inline tags leave no trace."""


def _block(writer: _Writer, token: Token) -> None:
    writer.break_line()
    if token.tag == "tr":
        writer.cells = 0


def _paragraph(writer: _Writer, token: Token) -> None:
    writer.paragraph()


def _line_break(writer: _Writer, token: Token) -> None:
    writer.break_line(force=True)


def _rule(writer: _Writer, token: Token) -> None:
    writer.break_line()
    writer.write("-" * 20)
    writer.break_line()


def _cell(writer: _Writer, token: Token) -> None:
    if token.is_end:
        return
    if writer.cells and writer.pieces:
        writer.pieces.append("\t" if not writer.ends_blank else "")
        writer.ends_blank = True
    writer.cells += 1


def _quote(writer: _Writer, token: Token) -> None:
    writer.paragraph()
    writer.quotes = max(0, writer.quotes + (-1 if token.is_end else 1))


def _list(writer: _Writer, token: Token) -> None:
    writer.break_line()
    if not token.is_end:
        writer.wants_gap = writer.wants_gap or not writer.lists
        writer.lists.append(1 if token.tag == "ol" else 0)
    elif writer.lists:
        writer.lists.pop()
        writer.wants_gap = not writer.lists


def _item(writer: _Writer, token: Token) -> None:
    writer.break_line()
    writer.marker = ""
    if token.is_end:
        return
    if writer.lists and writer.lists[-1]:
        writer.marker = f"{writer.lists[-1]}. "
        writer.lists[-1] += 1
    else:
        writer.marker = "- "


def _pre(writer: _Writer, token: Token) -> None:
    writer.paragraph()
    writer.preformatted = max(0, writer.preformatted + (-1 if token.is_end else 1))


def _link(writer: _Writer, token: Token) -> None:
    _end_link(writer)
    if token.is_end:
        return
    found = _HREF.search(token.value)
    href = unescape(next((value for value in found.groups() if value), "")) if found else ""
    href = "".join(href.split())
    if href.lower().startswith(("http://", "https://", "mailto:")):
        writer.link = href
        writer.link_pieces = []


def _end_link(writer: _Writer) -> None:
    """Behind the text of a link stands its target, unless the text already says it."""
    if writer.link_pieces is None:
        return
    label = "".join(writer.link_pieces).strip()
    writer.link_pieces = None
    target = writer.link
    shown = target.split(":", 1)[1].split("?", 1)[0] if target[:7] == "mailto:" else target
    is_told = "." in label and _comparable(shown) == _comparable(label)
    if label and not is_told:
        writer.write(f" <{shown}>" if not writer.ends_blank else f"<{shown}>")


def _comparable(address: str) -> str:
    address = address.lower().rstrip("/")
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", address)


def _image(writer: _Writer, token: Token) -> None:
    found = _ALT.search(token.value)
    alt = unescape(found.group(1) or found.group(2) or "").strip() if found else ""
    if alt and not writer.pieces and len(alt) < 200:
        writer.write(f"[{alt}]")


_HANDLERS: dict[str, Callable[[_Writer, Token], None]] = {
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_PARAGRAPHS, _paragraph),
    **dict.fromkeys(_CELLS, _cell),
    "br": _line_break,
    "hr": _rule,
    "blockquote": _quote,
    "ul": _list,
    "ol": _list,
    "li": _item,
    "pre": _pre,
    "a": _link,
    "img": _image,
}
