"""Walks a message's tree of parts within limits; offsets into the bytes, nothing is copied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailcore.encoded_words import decode_bytes, decode_header
from mailcore.filenames import guess_type, safe_filename
from mailcore.header_block import skip_preamble, split_header
from mailcore.parameters import parse_value
from mailcore.transfer import LARGE, decode_large_base64, decode_transfer, normalise_encoding

DEPTH_LIMIT = 50
PART_LIMIT = 1000
_FALSE_BOUNDARIES_LIMIT = 20_000
_LONGEST_BOUNDARY = 500  # RFC 2046 allows 70
_GUESSED_BOUNDARY = re.compile(
    rb"^--([^\r\n]{1,200}?)[ \t]{0,20}\r*\n(?=content-[a-z-]+[ \t]*:)", re.M | re.I
)
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*\r*(?:\n|\Z)")
_HTML_PAGE = re.compile(rb"\s{0,100}<(?:!doctype[ ]html|html)\b", re.IGNORECASE)
_SHORT_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html"}


@dataclass(slots=True)
class Part:
    """One part; its body is `buffer[start:end]`, still encoded. Leaves have no children."""

    path: str
    fields: tuple[tuple[str, bytes], ...]
    buffer: bytes
    start: int
    end: int
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_parameters: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    children: list[Part] = field(default_factory=list)
    preamble: tuple[int, int] = (0, 0)

    def raw_header(self, name: str) -> bytes | None:
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)

    def is_multipart(self) -> bool:
        return self.content_type.startswith("multipart/")

    def decode(self) -> tuple[bytes, str]:
        """The decoded bytes and a defect keyword or ""."""
        if self.encoding == "base64" and self.end - self.start > LARGE:
            data = decode_large_base64(self.buffer, self.start, self.end)
            if data is not None:
                return data, ""
        is_file = not self.content_type.startswith(("text/", "message/", "multipart/"))
        return decode_transfer(self.buffer[self.start : self.end], self.encoding, is_file=is_file)


@dataclass(slots=True)
class Tree:
    root: Part
    defects: list[str] = field(default_factory=list)
    parts: int = 0

    def note(self, defect: str) -> None:
        if defect and defect not in self.defects:
            self.defects.append(defect)


def read_tree(raw: bytes) -> Tree:
    """The tree of a message. Paths count from "1"; the root of a multipart has the path ""."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    block = split_header(raw, skip_preamble(raw), len(raw))
    root = Part("", block.fields, raw, block.body_start, len(raw))
    tree = Tree(root)
    for defect in block.defects:
        tree.note(defect)
    _read_mime_fields(root, "text/plain")
    _split(tree, root, depth=0)
    if not root.children:
        root.path = "1"
    return tree


def iterate_leaves(part: Part) -> Iterator[Part]:
    """The parts without children, in order."""
    if not part.children:
        yield part
    for child in part.children:
        yield from iterate_leaves(child)


def _read_mime_fields(part: Part, default_type: str) -> None:
    raw_type = part.raw_header("Content-Type")
    content_type, part.parameters = parse_value(decode_bytes(raw_type)) if raw_type else ("", {})
    content_type = _SHORT_TYPES.get(content_type, content_type)
    raw_disposition = part.raw_header("Content-Disposition")
    if raw_disposition:
        parsed = parse_value(decode_bytes(raw_disposition))
        part.disposition, part.disposition_parameters = parsed
    if "/" not in content_type:
        # An unreadable type is text (RFC 2045, 5.2) unless it names a file.
        name = part.disposition_parameters.get("filename") or part.parameters.get("name", "")
        is_named = raw_type is not None and bool(name)
        content_type = guess_type(safe_filename(name)) if is_named else default_type
    part.content_type = content_type
    part.encoding = normalise_encoding(
        decode_header(part.raw_header("Content-Transfer-Encoding") or b"")
    )


def _split(tree: Tree, part: Part, depth: int) -> None:
    """Find the children of a multipart; one that cannot be split stays a leaf with its text."""
    if not part.is_multipart():
        return
    if depth >= DEPTH_LIMIT:
        tree.note("depth-limit")
        part.content_type = "application/octet-stream"
        return
    spans = _find_spans(tree, part)
    if not spans and part.encoding:
        # A gateway has encoded the multipart as a whole, against RFC 2045, 6.4.
        data, defect = part.decode()
        if not defect:
            part.buffer, part.start, part.end, part.encoding = data, 0, len(data), ""
            spans = _find_spans(tree, part)
    if not spans:
        tree.note("broken-multipart")
        is_html = _HTML_PAGE.match(part.buffer, part.start, part.end)
        part.content_type = "text/html" if is_html else "text/plain"
        return
    default_type = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    for number, (start, end) in enumerate(spans, 1):
        tree.parts += 1
        if tree.parts > PART_LIMIT:
            tree.note("part-limit")
            return
        block = split_header(part.buffer, start, end)
        for defect in block.defects:
            tree.note(defect)
        path = f"{part.path}.{number}" if part.path else str(number)
        child = Part(path, block.fields, part.buffer, block.body_start, end)
        _read_mime_fields(child, default_type)
        part.children.append(child)
        _split(tree, child, depth + 1)


def _find_spans(tree: Tree, part: Part) -> list[tuple[int, int]]:
    boundary = part.parameters.get("boundary", "").rstrip()[:_LONGEST_BOUNDARY]
    spans: list[tuple[int, int]] = []
    if boundary:
        encoded = boundary.encode("utf-8", "replace")
        spans = _spans_between(tree, part, encoded)
        if not spans and not boundary.isascii():
            spans = _spans_between(tree, part, boundary.encode("cp1252", "replace"))
    if not spans:
        guess = _GUESSED_BOUNDARY.search(part.buffer, part.start, part.end)
        if guess:
            tree.note("wrong-boundary")
            spans = _spans_between(tree, part, guess.group(1))
    return spans


def _spans_between(tree: Tree, part: Part, boundary: bytes) -> list[tuple[int, int]]:
    """The places between the delimiter lines; text before the first is kept as the preamble."""
    delimiter = b"--" + boundary
    buffer, end = part.buffer, part.end
    spans: list[tuple[int, int]] = []
    opened = -1  # where the current part begins
    is_closed = False
    misses = 0
    at = part.start if buffer.startswith(delimiter, part.start) else -1
    if at < 0:
        at = _next_delimiter(buffer, delimiter, part.start, end)
    first = at
    while at >= 0 and misses < _FALSE_BOUNDARIES_LIMIT and len(spans) <= PART_LIMIT:
        after = _AFTER_BOUNDARY.match(buffer, at + len(delimiter), end)
        if after is None:
            misses += 1
            at = _next_delimiter(buffer, delimiter, at + len(delimiter), end)
            continue
        if opened >= 0:
            spans.append((opened, max(opened, _before_line_end(buffer, at, opened))))
        elif is_closed:
            tree.note("parts-after-end")
            misses += 1
        is_closed = after.group(1) is not None
        opened = -1 if is_closed else after.end()
        at = _next_delimiter(buffer, delimiter, max(after.end() - 1, at + 1), end)
    if opened >= 0 and opened < end:
        if not is_closed:
            tree.note("missing-end-boundary")
        spans.append((opened, end))
    if spans:
        part.preamble = (part.start, max(first, part.start))
    return spans


def _next_delimiter(buffer: bytes, delimiter: bytes, start: int, end: int) -> int:
    found = buffer.find(b"\n" + delimiter, start, end)
    return found + 1 if found >= 0 else -1


def _before_line_end(buffer: bytes, at: int, start: int) -> int:
    """The line end before a delimiter belongs to the delimiter (RFC 2046, 5.1.1)."""
    at -= 1
    while at > start and buffer[at - 1] == 0x0D:
        at -= 1
    return at
