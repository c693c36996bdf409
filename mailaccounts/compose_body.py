"""Puts a mail's body together: what was written, the signature, the quoted original, the template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from mailaccounts.signatures import Signature, clean_with_pictures, take_out_pictures
from mailcore.html_text import html_to_text
from mailcore.messages import FilePart

SIGNATURE_VARIABLE = "{SIGNATUR}"
_TEMPLATE_VARIABLE = re.compile(r"\{(CONTENT|TEXT|SIGNATUR)\}")


@dataclass(frozen=True, slots=True)
class Quoted:
    """The original below an answer, in both forms."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Body:
    """`html` is "" for a mail in plain text. `files`: the pictures shown inside the HTML."""

    text: str
    html: str
    files: tuple[FilePart, ...] = ()


def compose_body(
    *,
    text: str,
    html: str = "",
    signature: Signature,
    quoted: Quoted | None = None,
    template: str = "",
) -> Body:
    """The body of a mail written as HTML or, with `html` empty, as plain text.

    A text that says {SIGNATUR} places the signature itself; else it follows the text. `template` is
    the HTML-Template with {CONTENT}, {TEXT} and {SIGNATUR}; with one, plain text becomes HTML too.
    """
    content, pictures = clean_with_pictures(html)
    plain = html_to_text(content) if html else text
    whole_text = _text_with_signature(plain, signature) + (f"\n\n{quoted.text}" if quoted else "")
    if not html and not template:
        return Body(whole_text, "")
    content = content if html else _as_html(text)
    quote = f"<br>{quoted.html}" if quoted else ""
    if not template:
        placed = _html_with_signature(content, signature) + quote
        return _with_files(whole_text, placed, (*pictures, *signature.files))
    frame, frame_pictures = take_out_pictures(template)
    places_signature = SIGNATURE_VARIABLE in frame or SIGNATURE_VARIABLE in content
    inner = content.replace(SIGNATURE_VARIABLE, signature.html)
    if not places_signature:
        inner = _html_with_signature(content, signature)
    values = {"CONTENT": inner + quote, "TEXT": _as_html(plain), "SIGNATUR": signature.html}
    if SIGNATURE_VARIABLE in content:
        values["SIGNATUR"] = ""
    filled = _TEMPLATE_VARIABLE.sub(lambda match: values[match[1]], frame)
    return _with_files(whole_text, filled, (*frame_pictures, *pictures, *signature.files))


def _text_with_signature(text: str, signature: Signature) -> str:
    if SIGNATURE_VARIABLE in text:
        return text.replace(SIGNATURE_VARIABLE, signature.text)
    text = text.rstrip()
    return f"{text}\n\n-- \n{signature.text}" if signature.text else text


def _html_with_signature(html: str, signature: Signature) -> str:
    if SIGNATURE_VARIABLE in html:
        return html.replace(SIGNATURE_VARIABLE, signature.html)
    return f"{html}<br><div>{signature.html}</div>" if signature.html else html


def _as_html(text: str) -> str:
    return "<br>\n".join(escape(line, quote=False) for line in text.splitlines())


def _with_files(text: str, html: str, files: tuple[FilePart, ...]) -> Body:
    """Only pictures the HTML shows, each once."""
    shown = {file.content_id: file for file in files if f"cid:{file.content_id}" in html}
    return Body(text, html, tuple(shown.values()))
