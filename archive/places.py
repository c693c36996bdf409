"""Where else a message stands: each app above brings its own places, named in settings.ARCHIVE_PLACES."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from company.models import User
from mailstore.models import StoredMessage


@dataclass(frozen=True, slots=True)
class Place:
    """A page that shows the message too."""

    label: str
    url: str
    icon: str


FindPlaces = Callable[[StoredMessage, User], Iterable[Place]]


def find_places(message: StoredMessage, user: User) -> list[Place]:
    """The places this user may see."""
    finders: list[FindPlaces] = [import_string(path) for path in settings.ARCHIVE_PLACES]
    return [place for find in finders for place in find(message, user)]
