"""The record of who used the archive how."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from archive.models import ArchiveAccess, ArchiveEntry
from company.models import User

_Action = ArchiveAccess.Action
_ONE_LOOK = timedelta(minutes=10)  # the frame, the headers and the page again are the same look


def record_search(user: User, terms: str) -> None:
    _add(user, _Action.SEARCH, details=terms)


def record_view(user: User, entry: ArchiveEntry) -> None:
    """Once for everything that is looked at of a message within ten minutes."""
    lately = ArchiveAccess.objects.filter(
        user=user, entry=entry, action=_Action.VIEW, at__gt=timezone.now() - _ONE_LOOK
    )
    if not lately.exists():
        _add(user, _Action.VIEW, entry)


def record_download(user: User, entry: ArchiveEntry, file: str) -> None:
    _add(user, _Action.DOWNLOAD, entry, details=file)


def _add(
    user: User,
    action: ArchiveAccess.Action,
    entry: ArchiveEntry | None = None,
    *,
    details: str = "",
) -> None:
    ArchiveAccess.objects.create(
        user=user, user_name=str(user)[:200], action=action, entry=entry, details=details[:1000]
    )
