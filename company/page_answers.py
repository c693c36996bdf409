"""How pages answer: whole, or the part that htmx asked for; what holds customers' mail stays nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

_Answer = TypeVar("_Answer", bound=HttpResponseBase)


def is_htmx(request: HttpRequest) -> bool:
    return bool(HtmxDetails(request))


def target_of(request: HttpRequest) -> str:
    """The id of the element that is to be replaced; empty for a whole page."""
    return HtmxDetails(request).target or ""


def private(response: _Answer) -> _Answer:
    """The browser does not keep it."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def show(
    request: HttpRequest, template: str, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """Renders a page or part of one; the browser keeps neither."""
    response = render(request, template, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return private(response)


def asked_for(request: HttpRequest, form: Form) -> dict[str, str]:
    """The fields of a list's filter that are filled in, as they stand in the address."""
    return {name: str(request.GET[name]) for name in form.fields if request.GET.get(name)}


def filter_context(asked: Mapping[str, str]) -> dict[str, object]:
    """What a list's template needs to page through what was asked for."""
    return {"query": f"{urlencode(asked)}&" if asked else "", "is_filtered": bool(asked)}
