"""A document's mail that is to be sent once more, corrected: its „abschicken“ dialog."""

from __future__ import annotations

from django.urls import reverse

from company.models import User
from company.rights import Right
from documents.models import Document
from outbox.models import OutgoingMessage


def find_editor(outgoing: OutgoingMessage, user: User) -> str:
    if outgoing.origin != OutgoingMessage.Origin.DOCUMENT or not user.may(Right.EDIT_DOCUMENTS):
        return ""
    document = Document.objects.visible_to(user).filter(dispatches__outgoing=outgoing).first()
    return reverse("documents:dispatch", args=[document.pk]) if document else ""
