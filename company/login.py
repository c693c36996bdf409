"""Signing in by user name or e-mail address."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from company.models import User


class NameOrEmailBackend(ModelBackend):
    """Like ModelBackend, but the name may be the user's e-mail address."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: object,
    ) -> User | None:
        if not username or password is None:
            return None
        user = (
            User.objects.filter(email__iexact=username).first()
            if "@" in username
            else User.objects.filter(username=username).first()
        ) or User.objects.filter(username=username).first()
        if user is None:
            User().set_password(password)  # the same time as for a known name
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None


def next_page(request: HttpRequest, target: str) -> str:
    """Where to go after signing in: the page asked for if it is one of ours, else the overview."""
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else resolve_url("home")
