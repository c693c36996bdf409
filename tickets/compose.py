"""A mail being written at a ticket: what it starts with, and sending it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from company.models import User
from mailaccounts.senders import NoAccountForSender, choose_account
from mailaccounts.signatures import Signature, choose_signature
from mailcore.html_text import html_to_text
from mailcore.messages import FilePart
from mailcore.parse import read_part
from mailcore.threading import normalise_subject
from mailstore.models import StoredAttachment
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tickets.composer_form import ComposerForm, join_mailboxes
from tickets.conversation import newest_after
from tickets.models import Ticket, TicketMessage
from tickets.reply import ReplyContent, ReplyRefused, reply
from tickets.reply_defaults import default_recipients, default_sender

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.http import QueryDict
    from django.utils.datastructures import MultiValueDict
    from django_stubs_ext import StrOrPromise


class Mode(StrEnum):
    """How a mail answers the ticket. The value is also the name of its URL."""

    REPLY = "reply"
    REPLY_ALL = "reply_all"
    FORWARD = "forward"


_TITLES = {
    Mode.REPLY: _("Antworten"),
    Mode.REPLY_ALL: _("An alle"),
    Mode.FORWARD: _("Weiterleiten"),
}
# Fields of ReplyContent that are called otherwise in the form.
_FIELDS = {"sender_email": "sender", "files": "uploads"}


@dataclass(frozen=True, slots=True)
class Composer:
    """What the composer's template shows."""

    mode: Mode
    title: StrOrPromise
    form: ComposerForm
    signature: Signature
    keepable: tuple[tuple[StoredAttachment, bool], ...]  # files at hand, and whether they go along
    sender_problem: str
    newer: TicketMessage | None = None  # what came while this was written


def open_composer(
    ticket: Ticket, user: User, mode: Mode, *, restored: dict[str, Any] | None = None
) -> Composer:
    """A fresh composer; or with what stood in a mail that was called back."""
    initial, problem = _initial(ticket, user, mode)
    initial |= restored or {}
    form = ComposerForm(
        initial=initial, user=user, ticket=ticket, keepable=_keepable(ticket), auto_id="composer-%s"
    )
    kept = {int(pk) for pk in initial["kept"]}
    return _composer(ticket, user, mode, form, str(initial["sender"]), kept, problem)


def read_composer(
    ticket: Ticket,
    user: User,
    mode: Mode,
    data: QueryDict,
    files: MultiValueDict[str, UploadedFile[Any]],
) -> Composer:
    """The composer as it was sent; ask its form whether it is valid."""
    form = ComposerForm(
        data, files, user=user, ticket=ticket, keepable=_keepable(ticket), auto_id="composer-%s"
    )
    kept = {int(pk) for pk in data.getlist("kept") if pk.isascii() and pk.isdigit()}
    newer = None if "trotzdem" in data else newest_after(ticket, data.get("seen", ""))
    if newer and newer.kind == TicketMessage.Kind.NOTE and newer.author_id == user.pk:
        newer = None
    return _composer(ticket, user, mode, form, data.get("sender", ""), kept, "", newer)


def send_composed(ticket: Ticket, user: User, form: ComposerForm) -> TicketMessage | None:
    """Sends what a valid form holds. None if it was refused: then the form says why."""
    given = form.cleaned_data
    try:
        kept = _read_kept(list(given["kept"]))
    except (OSError, ValueError):
        form.add_error("uploads", _("Eine Datei ist nicht mehr vorhanden. Hängen Sie sie neu an."))
        return None
    content = ReplyContent(
        sender_email=given["sender"],
        to=given["to"],
        cc=given["cc"],
        bcc=given["bcc"],
        subject=given["subject"],
        text=html_to_text(given["text"]),
        html=given["text"],
        files=(*form.new_files(), *kept),
        status_after=given["status_after"],
        quotes_original=given["quote"],
        replaces=_replaced(ticket, given["replaces"]),
    )
    try:
        return reply(ticket=ticket, author=user, content=content, once_key=given["once_key"])
    except ReplyRefused as refusal:
        field = _FIELDS.get(refusal.field, refusal.field)
        form.add_error(field if field in form.fields else None, refusal.text)
        return None


def _replaced(ticket: Ticket, pk: int | None) -> OutgoingMessage | None:
    """The mail that is sent anew, if it is one of this ticket."""
    answers = ticket.messages.filter(kind=TicketMessage.Kind.REPLY, outgoing__isnull=False)
    answer = answers.select_related("outgoing").filter(pk=pk).first() if pk else None
    return answer.outgoing if answer else None


def remember(composer: Composer) -> dict[str, Any]:
    """What brings the composer back after „Rückgängig“, storable in a session."""
    names = ("sender", "to", "cc", "bcc", "subject", "text", "status_after", "quote")
    data = composer.form.data
    return {"mode": composer.mode.value} | {name: data.get(name, "") for name in names}


def _initial(ticket: Ticket, user: User, mode: Mode) -> tuple[dict[str, Any], str]:
    """The first values, and why there is no sender if so."""
    problem = sender = ""
    try:
        sender = default_sender(ticket, user).email
    except NoAccountForSender as error:
        problem = str(error)
    recipients = default_recipients(ticket, to_all=mode == Mode.REPLY_ALL)
    is_forward = mode == Mode.FORWARD
    last = ticket.messages.order_by("-pk").values_list("pk", flat=True).first()
    bare = normalise_subject(ticket.subject)
    return {
        "sender": sender,
        "to": "" if is_forward else join_mailboxes(recipients.to),
        "cc": "" if is_forward else join_mailboxes(recipients.cc),
        "bcc": "",
        "subject": f"WG: {bare}" if is_forward else f"Re: {bare}",
        "text": "",
        "quote": True,
        "kept": [one.pk for one in _newest_files(ticket)] if is_forward else [],
        "status_after": "" if is_forward else Ticket.Status.WAIT_CUSTOMER.value,
        "once_key": f"t{ticket.pk}-{uuid4().hex}",
        "seen": last or 0,
    }, problem


def _composer(
    ticket: Ticket,
    user: User,
    mode: Mode,
    form: ComposerForm,
    sender: str,
    kept: set[int],
    problem: str,
    newer: TicketMessage | None = None,
) -> Composer:
    offered = _keepable(ticket) if mode == Mode.FORWARD else _keepable(ticket).filter(pk__in=kept)
    return Composer(
        mode=mode,
        title=_TITLES[mode],
        form=form,
        signature=preview_signature(ticket, user, sender),
        keepable=tuple((one, one.pk in kept) for one in offered),
        sender_problem=problem,
        newer=newer,
    )


def preview_signature(ticket: Ticket, user: User, sender: str) -> Signature:
    """The signature that will stand under a mail from this sender."""
    try:
        account = choose_account(sender).account if sender else None
    except NoAccountForSender:
        account = None
    return choose_signature(account=account, project=ticket.project, employee=user.find_employee())


def _keepable(ticket: Ticket) -> QuerySet[StoredAttachment]:
    """Files of this ticket's mails, which may go along with another one."""
    mails = ticket.messages.filter(message__isnull=False).values("message")
    return StoredAttachment.objects.filter(message__in=mails).exclude(
        is_inline=True, content_id__gt=""
    )


def _newest_files(ticket: Ticket) -> list[StoredAttachment]:
    incoming = ticket.messages.filter(kind=TicketMessage.Kind.INCOMING)
    newest = incoming.order_by("-created_at", "-pk").first()
    return list(_keepable(ticket).filter(message=newest.message)) if newest else []


def _read_kept(attachments: list[StoredAttachment]) -> list[FilePart]:
    return [
        FilePart(
            filename=attachment.filename,
            content_type=attachment.content_type,
            content=read_part(read_raw(attachment.message), attachment.path),
        )
        for attachment in attachments
    ]
