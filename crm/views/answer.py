"""How the pages of an address answer: whole pages, or the part of the page htmx asked for."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def target_of(request: HttpRequest) -> str:
    """The id of the element that is to be replaced; empty for a whole page."""
    return request.headers.get("HX-Target", "") if is_htmx(request) else ""


def show(
    request: HttpRequest, template: str, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """Renders a page or part. Neither stays in the browser: it holds customers' mail."""
    response = render(request, template, dict(context), status=status)
    response.headers["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
