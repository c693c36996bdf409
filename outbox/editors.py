"""Where a message can be written anew; apps above the outbox bring the places (settings.OUTGOING_EDITORS)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from company.models import User
from outbox.models import OutgoingMessage

Editor = Callable[[OutgoingMessage, User], str]


def find_editor(outgoing: OutgoingMessage, user: User) -> str:
    """The address of the fitting composer, filled with this message; "" where there is none."""
    for path in settings.OUTGOING_EDITORS:
        editor: Editor = import_string(path)
        address = editor(outgoing, user)
        if address:
            return address
    return ""
