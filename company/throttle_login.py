"""Guessing passwords is slow: a few failed logins per name and address, then a pause."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from company.models import LoginAttempt

LIMIT = 5
PAUSE = timedelta(minutes=10)
_KEPT = timedelta(days=1)


def take_attempt(name: str, address: str) -> bool:
    """Counts a login before its password is looked at; False while the pause lasts.

    The count is a conditional UPDATE: many requests at once get no more than LIMIT tries.
    """
    now = timezone.now()
    key = {"name": _folded(name), "address": address}
    LoginAttempt.objects.get_or_create(**key, defaults={"last_failed_at": now})
    rows = LoginAttempt.objects.filter(**key)
    rows.filter(last_failed_at__lt=now - PAUSE).update(failures=0)
    taken = rows.filter(failures__lt=LIMIT).update(failures=F("failures") + 1, last_failed_at=now)
    return bool(taken)


def too_many_attempts(name: str, address: str) -> str:
    """What to say while the pause lasts."""
    minutes = minutes_to_wait(name, address)
    return ngettext(
        "Zu viele Versuche. Bitte warten Sie eine Minute und versuchen Sie es dann noch einmal.",
        "Zu viele Versuche. Bitte warten Sie %(minutes)d Minuten und versuchen Sie es dann noch "
        "einmal.",
        minutes,
    ) % {"minutes": minutes}


def minutes_to_wait(name: str, address: str) -> int:
    """How long the pause of this name and address still lasts, in minutes, at least 1."""
    row = LoginAttempt.objects.filter(name=_folded(name), address=address).first()
    ends: datetime = (row.last_failed_at if row else timezone.now()) + PAUSE
    return max(1, -int((timezone.now() - ends).total_seconds() // 60))


def forget_attempts(name: str, address: str) -> None:
    """After a successful login; tidies up what is older than a day as well."""
    LoginAttempt.objects.filter(
        Q(name=_folded(name), address=address) | Q(last_failed_at__lt=timezone.now() - _KEPT)
    ).delete()


def address_of(request: HttpRequest) -> str:
    """The client's address; behind our proxy the one that the proxy saw."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR") or "127.0.0.1")


def _folded(name: str) -> str:
    return name.strip().casefold()[:254]
