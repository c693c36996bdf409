"""Which parts of a tree are the text, which are files; every part is one or the other."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from html import escape
from urllib.parse import unquote

from mailcore.charsets import decode_text
from mailcore.encoded_words import decode_header
from mailcore.filenames import generate_filename, guess_type, safe_filename
from mailcore.flowed import join_flowed
from mailcore.header_block import split_header
from mailcore.html_text import html_to_text
from mailcore.messages import Attachment
from mailcore.mime import Part, Tree
from mailcore.tnef import is_tnef, unpack_tnef
from mailcore.transfer import find_uuencoded

TEXT_LIMIT = 2_000_000  # characters of text and of HTML that are kept; the .eml has all
_TEXT_TYPES = frozenset(
    {"text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"}
)
_IGNORED_ALTERNATIVES = frozenset({"text/x-amp-html", "text/watch-html"})
_ACTION = re.compile(rb"^action[ \t]*:[ \t]*([a-z]{1,20})", re.IGNORECASE | re.MULTILINE)
_REPORT_WINDOW = 200_000  # bytes of a delivery report that are looked at
_CID = re.compile(r"cid:([^\"'\s>)]{1,500})", re.IGNORECASE)
_ENRICHED_TAG = re.compile(r"<param>[^<]{0,500}</param>|</?[a-zA-Z-]{1,40}>")


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the body in one or both renderings."""

    text: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Content:
    text: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    delivery_actions: list[str] = field(default_factory=list)


def read_content(tree: Tree) -> Content:
    """The text, the HTML and the files of a message."""
    collector = _Collector(tree)
    segments = collector.collect(tree.root, None)
    if not any(_has_words(segment) for segment in segments):
        segments = collector.last_resort(segments)
    text, html = _render_text(segments), _render_html(segments)
    if max(len(text), len(html)) > TEXT_LIMIT:
        tree.note("text-limit")
    html = html[:TEXT_LIMIT]
    attachments = _mark_inline(collector.attachments, html)
    return Content(text[:TEXT_LIMIT], html, attachments, collector.delivery_actions)


class _Collector:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.attachments: list[Attachment] = []
        self.delivery_actions: list[str] = []
        self.named_texts: list[Part] = []  # files that may be all there is to read
        self.hidden: list[_Segment] = []  # the text inside a winmail.dat

    def collect(self, part: Part, parent: Part | None) -> list[_Segment]:
        if part.children:
            segments = [one for child in part.children for one in self.collect(child, part)]
            if part.content_type == "multipart/alternative":
                return _merge_alternatives(segments)
            return segments
        if _is_body(part, parent):
            return self._read_text(part)
        if parent is not None and part.content_type in _IGNORED_ALTERNATIVES:
            return []  # the same text once more, for one mail program
        self._attach(part)
        if part.content_type in _TEXT_TYPES and part.disposition != "attachment":
            self.named_texts.append(part)
        return []

    def last_resort(self, segments: list[_Segment]) -> list[_Segment]:
        """Never an empty ticket: text that stands where no reader looks for it."""
        start, end = self.tree.root.preamble
        words = self.tree.root.buffer[start:end].strip()
        if self.hidden:
            return self.hidden
        if self.named_texts:
            return [*segments, *(one for part in self.named_texts for one in self._read_text(part))]
        if words and not words.startswith(b"This is a multi"):
            self.tree.note("text-in-preamble")
            return [*segments, _Segment(text=_tidy(decode_text(words, None)[0]))]
        return segments

    def _read_text(self, part: Part) -> list[_Segment]:
        data, defect = part.decode()
        self.tree.note(defect)
        is_html = part.content_type == "text/html"
        files: list[Attachment] = []
        if not is_html and b"begin" in data:
            data = self._take_uuencoded(part, data, files)
        label = part.parameters.get("charset") or None
        text, is_defective = decode_text(data, label, is_html=is_html)
        if is_defective:
            self.tree.note("bad-charset")
        if len(text) > TEXT_LIMIT:
            self.tree.note("text-limit")
        text = _tidy(text[:TEXT_LIMIT])
        self.attachments.extend(files)
        if is_html:
            return [_Segment(html=text)]
        if part.parameters.get("format", "").lower() == "flowed":
            is_deleted = part.parameters.get("delsp", "").lower() == "yes"
            text = join_flowed(text, delete_space=is_deleted)
        if part.content_type in ("text/enriched", "text/richtext"):
            text = _ENRICHED_TAG.sub("", text).replace("<<", "<")
        return [_Segment(text=text)]

    def _take_uuencoded(self, part: Part, data: bytes, files: list[Attachment]) -> bytes:
        kept: list[bytes] = []
        at = 0
        for number, found in enumerate(find_uuencoded(data), 1):
            kept.append(data[at : found.start])
            at = found.end
            name = safe_filename(decode_header(found.name))
            path = f"{part.path}.u{number}"
            files.append(_describe(path, name, "application/octet-stream", found.content))
        return b"".join(kept) + data[at:] if files else data

    def _attach(self, part: Part) -> None:
        data, defect = part.decode()
        self.tree.note(defect)
        name = _find_name(part)
        if part.content_type.endswith("delivery-status"):
            actions = (found.decode().lower() for found in _ACTION.findall(data[:_REPORT_WINDOW]))
            self.delivery_actions.extend(actions)
        if part.content_type == "application/applefile" and name:
            name = f"{name}.rsrc"  # what Macintosh programs keep beside the file of that name
        if is_tnef(part.content_type, name):
            unpacked = unpack_tnef(data)
            if unpacked and (unpacked.text.strip() or unpacked.html.strip()):
                text, html = unpacked.text[:TEXT_LIMIT], unpacked.html[:TEXT_LIMIT]
                self.hidden = [_Segment(_tidy(text) or None, _tidy(html) or None)]
            if unpacked and unpacked.files:
                for number, inner in enumerate(unpacked.files, 1):
                    path = f"{part.path}.t{number}"
                    inner_name = safe_filename(inner.name)
                    self.attachments.append(_describe(path, inner_name, "", inner.content))
                return
        if not name and part.content_type in ("message/rfc822", "message/global"):
            name = _name_of_message(data)
        content_id = _content_id(part)
        self.attachments.append(_describe(part.path, name, part.content_type, data, content_id))


def _is_body(part: Part, parent: Part | None) -> bool:
    if part.content_type not in _TEXT_TYPES or part.disposition == "attachment":
        return False
    # A root has nothing beside it that could be the text; elsewhere a name makes a file.
    return parent is None or not _find_name(part)


def _find_name(part: Part) -> str:
    for parameters, key in ((part.disposition_parameters, "filename"), (part.parameters, "name")):
        name = safe_filename(parameters.get(key, ""))
        if name:
            return name
    return safe_filename(part.disposition_parameters.get("name", ""))


def _name_of_message(data: bytes) -> str:
    block = split_header(data, 0, len(data))
    subject = next((value for key, value in block.fields if key.lower() == "subject"), b"")
    words = decode_header(subject).replace("/", "-").replace("\\", "-")
    name = safe_filename(words)
    return f"{name[:80].strip(' .')}.eml" if name else ""


def _content_id(part: Part) -> str:
    raw = part.raw_header("Content-ID")
    return decode_header(raw).strip("<> ")[:500] if raw else ""


def _describe(
    path: str, filename: str, content_type: str, data: bytes, content_id: str = ""
) -> Attachment:
    content_type = content_type or guess_type(filename)
    name = filename or generate_filename(path, content_type)
    digest = hashlib.sha256(data).hexdigest()
    return Attachment(path, name, content_type[:200], len(data), digest, content_id)


def _mark_inline(attachments: list[Attachment], html: str) -> list[Attachment]:
    """Inline is what the HTML really shows; a file that only claims it stays a visible file."""
    if not html or not any(one.content_id for one in attachments):
        return attachments
    shown = {unquote(found) for found in _CID.findall(html)}
    marked: list[Attachment] = []
    for one in attachments:
        if one.content_id and one.content_id in shown:
            one = Attachment(
                one.path, one.filename, one.content_type, one.size, one.sha256, one.content_id, True
            )
        marked.append(one)
    return marked


def _merge_alternatives(segments: list[_Segment]) -> list[_Segment]:
    plain = [segment for segment in segments if segment.html is None]
    rich = [segment for segment in segments if segment.html is not None]
    if not rich or not plain:
        return segments
    return [_Segment(_render_text(plain), _render_html(rich))]


def _has_words(segment: _Segment) -> bool:
    return bool((segment.text or "").strip() or (segment.html or "").strip())


def _render_text(segments: list[_Segment]) -> str:
    texts: list[str] = []
    for segment in segments:
        text = segment.text or ""
        if not text.strip() and segment.html:
            text = html_to_text(segment.html)
        if text.strip():
            texts.append(text)
    return "\n\n".join(text.strip("\n") for text in texts) if len(texts) > 1 else "".join(texts)


def _render_html(segments: list[_Segment]) -> str:
    if not any(segment.html for segment in segments):
        return ""
    pages: list[str] = []
    for segment in segments:
        if segment.html:
            pages.append(segment.html)
        elif segment.text and segment.text.strip():
            pages.append(f'<div style="white-space: pre-wrap">{escape(segment.text)}</div>')
    return "\n<br>\n".join(pages)


def _tidy(text: str) -> str:
    if "\r" not in text:
        return text
    # Gateways double the CR before a line end.
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
