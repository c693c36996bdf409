"""The „Versand“ list of a document: one line per channel and press."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from company.models import User
from company.rights import Right
from documents.badges import dispatch_badge
from documents.models import Dispatch, Document, Printer
from mailaccounts.models import MailAccount
from outbox.badges import Badge
from outbox.models import OutgoingMessage, Recipient

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A line of the list; `is_open`: its fate is not known yet."""

    dispatch: Dispatch
    channel: StrOrPromise
    badge: Badge
    result: str
    is_open: bool
    protocol_url: str
    may_print_again: bool = False
    may_confirm: bool = False
    may_download: bool = False
    may_undo: bool = False


def dispatch_history(document: Document, user: User, *, press: str = "") -> list[HistoryLine]:
    """Every dispatch of the document, newest first; with `press` only those of one press.

    The protocol is offered where the user may read the mail of the account that sent it.
    """
    accounts = MailAccount.objects.mail_visible_to(user).filter(
        outgoing__dispatch__document=document
    )
    readable = set(accounts.values_list("pk", flat=True)) if user.may(Right.SEE_OUTBOX) else set()
    dispatches = document.dispatches.select_related(
        "outgoing__account", "created_by", "printer"
    ).prefetch_related("outgoing__recipients")
    if press:
        dispatches = dispatches.filter(press=press)
    may_act = user.may(Right.EDIT_DOCUMENTS)
    return [_line(dispatch, readable, may_act=may_act) for dispatch in dispatches]


def fingerprint(lines: Sequence[HistoryLine]) -> str:
    """Changes when anything that the lines show changes: what has not is not sent again."""
    shown = "|".join(f"{line.dispatch.pk} {line.badge.text} {line.result}" for line in lines)
    states = "|".join(line.dispatch.state for line in lines)
    return hashlib.sha256(f"{shown}#{states}".encode()).hexdigest()[:16]


def _line(dispatch: Dispatch, readable: Collection[int], *, may_act: bool) -> HistoryLine:
    state = dispatch.state
    printer = dispatch.printer if may_act and not dispatch.outgoing else None
    is_download = printer is not None and printer.kind == Printer.Kind.DOWNLOAD
    return HistoryLine(
        dispatch=dispatch,
        channel=dispatch.get_channel_display(),
        badge=dispatch_badge(dispatch),
        result=result_of(dispatch),
        is_open=state in Dispatch.UNDER_WAY,
        protocol_url=_protocol_url(dispatch, readable),
        may_print_again=printer is not None and state in Dispatch.STUCK,
        may_confirm=printer is not None and state == Dispatch.State.UNCERTAIN,
        may_undo=may_act and _is_held(dispatch),
        may_download=is_download and state == Dispatch.State.PENDING,
    )


def _is_held(dispatch: Dispatch) -> bool:
    """Whether the undo time of the mail still runs."""
    outgoing = dispatch.outgoing
    return outgoing is not None and outgoing.state == OutgoingMessage.State.SCHEDULED


def _protocol_url(dispatch: Dispatch, readable: Collection[int]) -> str:
    if dispatch.outgoing is None or dispatch.outgoing.account_id not in readable:
        return ""
    return reverse("outbox:detail", args=[dispatch.outgoing.pk])


def result_of(dispatch: Dispatch) -> str:
    """What is worth knowing beside the state: refused recipients, the server's last answer."""
    if not dispatch.outgoing:
        look = _("Bitte am Drucker nachsehen.")
        is_unclear = dispatch.state == Dispatch.State.UNCERTAIN
        return f"{dispatch.result} {look}" if is_unclear else dispatch.result
    bad = (Recipient.State.REFUSED, Recipient.State.BOUNCED)
    refused = [
        _("%(email)s: %(reply)s") % {"email": recipient.email, "reply": recipient.reply}
        for recipient in dispatch.outgoing.recipients.all()
        if recipient.state in bad
    ]
    if refused:
        return " · ".join(refused)
    if dispatch.outgoing.state in OutgoingMessage.DUE and dispatch.outgoing.account.paused_at:
        text = _("Der Account „%(account)s“ ist pausiert. Die E-Mail wartet, bis er wieder läuft.")
        return text % {"account": dispatch.outgoing.account}
    quiet = (OutgoingMessage.State.SENT, OutgoingMessage.State.QUEUED)
    return "" if dispatch.outgoing.state in quiet else dispatch.outgoing.last_reply
