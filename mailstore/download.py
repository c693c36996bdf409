"""Handing out files of stored messages: always as a download, but for a few kinds that are harmless.

The check of rights belongs to the caller.
"""

from __future__ import annotations

import re

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from mailcore.parse import read_part
from mailstore.models import StoredAttachment, StoredMessage
from mailstore.read import read_raw
from mailstore.view import SAFE_PICTURES

PDF = "application/pdf"
_NO_SCRIPTS = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox"
_PDF_VIEWER = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
_UNSAFE_IN_NAMES = re.compile(r"[^\w.() -]+")


def can_preview(attachment: StoredAttachment) -> bool:
    """Whether preview_response shows it; PDF opens in the browser's own viewer."""
    return attachment.content_type in SAFE_PICTURES or attachment.content_type == PDF


def attachment_response(message: StoredMessage, attachment: StoredAttachment) -> HttpResponse:
    """The file as a download, of no type a browser would open. 404 if the bytes are gone."""
    return _download(_read_file(message, attachment), attachment.filename)


def preview_response(message: StoredMessage, attachment: StoredAttachment) -> HttpResponse:
    """A picture or PDF to look at; 404 for every other kind.

    Chromium shows no PDF in a sandboxed page, so only that one goes without; its viewer is no page of ours.
    """
    if not can_preview(attachment):
        raise Http404
    response = HttpResponse(_read_file(message, attachment), content_type=attachment.content_type)
    _protect(response, attachment.filename, as_attachment=False)
    if attachment.content_type == PDF:
        response.headers["Content-Security-Policy"] = _PDF_VIEWER
    return response


def original_response(message: StoredMessage) -> HttpResponse:
    """The message byte for byte as .eml."""
    try:
        raw = read_raw(message)
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    return eml_response(raw, message.subject)


def eml_response(raw: bytes, title: str) -> HttpResponse:
    """A message as .eml, named by its title."""
    name = _UNSAFE_IN_NAMES.sub(" ", title).strip()[:80] or "nachricht"
    return _download(raw, f"{name}.eml")


def picture_response(content: bytes, content_type: str) -> HttpResponse:
    """A remote picture that came through the proxy."""
    response = HttpResponse(content, content_type=content_type)
    _protect(response, "bild", as_attachment=False)
    return response


def _read_file(message: StoredMessage, attachment: StoredAttachment) -> bytes:
    try:
        return read_part(read_raw(message), attachment.path)
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise Http404 from error


def _download(content: bytes, filename: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/octet-stream")
    _protect(response, filename, as_attachment=True)
    return response


def _protect(response: HttpResponse, filename: str, *, as_attachment: bool) -> None:
    disposition = content_disposition_header(as_attachment, filename)
    if disposition:
        response.headers["Content-Disposition"] = disposition
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _NO_SCRIPTS
    response.headers["Cache-Control"] = "private, max-age=300"
