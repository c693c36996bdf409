"""How the document pages answer: whole pages, or the part of a page htmx asked for."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header

from company.rights import signed_in
from documents.models import Document


def get_document(request: HttpRequest, pk: int) -> Document:
    """The document with what a page says about it; 404 where it does not exist for this user."""
    visible = Document.objects.visible_to(signed_in(request))
    related = visible.select_related("kind", "address", "contact", "project", "created_by")
    return get_object_or_404(related, pk=pk)


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def show(
    request: HttpRequest, template: str, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """Renders a page or part of one; the browser keeps neither."""
    response = render(request, template, dict(context), status=status)
    response.headers["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response


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
    response.headers["Cache-Control"] = "private, no-store"
    return response
