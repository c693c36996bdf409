"""Pages about the installation itself."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from company.rights import Right, needs


def home(request: HttpRequest) -> HttpResponse:
    return redirect("tickets:list")


@login_not_required
def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@needs(Right.SEE_SETTINGS)
def system_state(request: HttpRequest) -> HttpResponse:
    return redirect("home")


def licences(request: HttpRequest) -> HttpResponse:
    return redirect("home")
