"""Tone, icon and word for the states of documents and their dispatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from documents.models import Dispatch, Document, Printer
from outbox.badges import Badge, state_badge

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


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
    tone, icon = _LOOKS[Dispatch.State(dispatch.state)]
    return Badge(str(_word(dispatch)), tone, icon)


_LOOKS = {
    Dispatch.State.PENDING: ("neutral", "clock"),
    Dispatch.State.PRINTING: ("info", "printer"),
    Dispatch.State.DONE: ("ok", "check"),
    Dispatch.State.FAILED: ("err", "x"),
    Dispatch.State.UNCERTAIN: ("warn", "alert-triangle"),
}


def _word(dispatch: Dispatch) -> StrOrPromise:
    printer = dispatch.printer
    if printer is None:
        return dispatch.get_state_display()
    if dispatch.state == Dispatch.State.PENDING:
        is_download = printer.kind == Printer.Kind.DOWNLOAD
        return _("bitte herunterladen") if is_download else _("wartet auf den Drucker")
    if dispatch.state == Dispatch.State.DONE:
        return _("gefaxt") if printer.is_fax else _("gedruckt")
    return dispatch.get_state_display()
