"""Tone, icon and word for the states of documents and their dispatches."""

from __future__ import annotations

from django.utils.translation import gettext as _

from documents.models import Dispatch, Document
from outbox.badges import Badge, state_badge


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
        return state_badge(dispatch.outgoing.state)
    if dispatch.state == Dispatch.State.DONE:
        return Badge(dispatch.get_state_display(), "ok", "check")
    return Badge(dispatch.get_state_display(), "err", "x")
