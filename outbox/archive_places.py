"""The outbox's page of a message that stands in the archive."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from archive.places import Place
from company.models import User
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage


def find_places(message: StoredMessage, user: User) -> Iterator[Place]:
    for outgoing in OutgoingMessage.objects.visible_to(user).filter(message=message)[:5]:
        label = f"{_('Postausgang')}: {outgoing.get_state_display()}"
        yield Place(label, reverse("outbox:detail", args=[outgoing.pk]), "send")
