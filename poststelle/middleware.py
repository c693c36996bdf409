"""Small steps around every request."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from company.models import User

Next = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def content_security_policy(get_response: Next) -> Next:
    """Sets the page's policy; a view that shows a mail body brings its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def first_run(get_response: Next) -> Next:
    """While there is no user, every page leads to the form that makes the first administrator."""

    is_done = False

    def middleware(request: HttpRequest) -> HttpResponse:
        nonlocal is_done
        if not is_done:
            is_done = User.objects.exists()
            page = reverse("company:first_run")
            if not is_done and not request.path.startswith((page, "/static/", "/health/")):
                return redirect(page)
        return get_response(request)

    return middleware


def user_language(get_response: Next) -> Next:
    """The interface speaks the signed-in user's language, else the default one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        language = user.language if isinstance(user, User) else settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with translation.override(language):  # the next request of this thread may be another's
            return get_response(request)

    return middleware
