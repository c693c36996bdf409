"""Tone, icon and word for the states of documents and their dispatches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from documents.models import Dispatch, Document
from outbox.models import OutgoingMessage

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Badge:
    text: StrOrPromise
    tone: str
    icon: str


_OUTGOING = {
    OutgoingMessage.State.SCHEDULED: ("neutral", "clock"),
    OutgoingMessage.State.QUEUED: ("neutral", "clock"),
    OutgoingMessage.State.SENDING: ("info", "send"),
    OutgoingMessage.State.SENT: ("ok", "check"),
    OutgoingMessage.State.RETRY: ("warn", "refresh-cw"),
    OutgoingMessage.State.FAILED: ("err", "x"),
    OutgoingMessage.State.UNCERTAIN: ("warn", "help-circle"),
    OutgoingMessage.State.BOUNCED: ("err", "undo-2"),
    OutgoingMessage.State.CANCELLED: ("neutral", "ban"),
}


def document_badge(document: Document, *, has_failed: bool, is_under_way: bool) -> Badge:
    """The document's state; a release that is on its way or failed says so."""
    if document.state == Document.State.SENT:
        return Badge(document.get_state_display(), "ok", "check")
    if document.state == Document.State.DRAFT:
        return Badge(document.get_state_display(), "neutral", "pencil")
    if is_under_way:
        return Badge(_("wird versendet"), "info", "send")
    if has_failed:
        return Badge(_("Versand fehlgeschlagen"), "err", "circle-alert")
    return Badge(document.get_state_display(), "info", "check-circle")


def dispatch_badge(dispatch: Dispatch) -> Badge:
    """For mail the state of the message in the outbox, for the rest that of the dispatch."""
    if dispatch.outgoing:
        tone, icon = _OUTGOING[OutgoingMessage.State(dispatch.outgoing.state)]
        return Badge(dispatch.outgoing.get_state_display(), tone, icon)
    if dispatch.state == Dispatch.State.DONE:
        return Badge(dispatch.get_state_display(), "ok", "check")
    return Badge(dispatch.get_state_display(), "err", "x")
