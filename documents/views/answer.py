"""The document a page is about, and files as answers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header

from company.page_answers import private
from company.rights import signed_in
from documents.models import Document


def get_document(request: HttpRequest, pk: int) -> Document:
    """The document with what a page says about it; 404 where it does not exist for this user."""
    visible = Document.objects.visible_to(signed_in(request))
    related = visible.select_related("kind", "address", "contact", "project", "created_by")
    return get_object_or_404(related, pk=pk)


_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def file_response(
    content: bytes, name: str, content_type: str, *, as_attachment: bool = False
) -> HttpResponse:
    """A file: PDF and pictures may be looked at in a tab of their own, all else is a download."""
    is_shown = content_type in _PICTURES or content_type == "application/pdf"
    response = HttpResponse(
        content, content_type=content_type if is_shown else "application/octet-stream"
    )
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment or not is_shown, name) or "inline"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return private(response)
