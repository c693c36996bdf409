"""„abschicken“: a released document goes out through one or several channels at once.

Everything is checked before anything is queued; one transaction then writes the frozen PDF, the mail
and one row per channel. The same press of the button gives the rows that exist.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from company.models import User
from documents.dispatch_content import Channel, DispatchContent
from documents.errors import DispatchRefused, Problem
from documents.freeze import FrozenPdf, mark_frozen, prepare_pdf
from documents.mail import ComposedMail, compose_mail
from documents.models import Dispatch, Document
from documents.settle import note_success
from mailcore.errors import InvalidDraft
from mailcore.html_text import html_to_text
from outbox.enqueue import enqueue
from outbox.models import OutgoingMessage

CHANNELS = (Channel.MAIL, Channel.PHONE, Channel.OTHER)


def dispatch(
    *, document: Document, user: User, content: DispatchContent, press: str
) -> tuple[Dispatch, ...]:
    """One row per channel. Mail is queued, the other channels are done at once.

    `press`: the form's token, ≤ 64 characters. Raises DispatchRefused with every reason, having
    changed nothing.
    """
    done = _rows_of(document, press)
    if done:
        return done
    _refuse_state(document, content)
    pdf = prepare_pdf(document)
    mail = None
    if Channel.MAIL in content.channels:
        mail = compose_mail(document=document, user=user, content=content, pdf=pdf.content)
    try:
        with transaction.atomic(durable=True):
            return _write(document, user, content, press, pdf, mail)
    except IntegrityError:
        done = _rows_of(document, press)  # the second half of a double click
        if not done:
            raise
        return done


def _rows_of(document: Document, press: str) -> tuple[Dispatch, ...]:
    order = {channel: place for place, channel in enumerate(CHANNELS)}
    rows = document.dispatches.filter(press=press).select_related("outgoing")
    return tuple(sorted(rows, key=lambda row: order[Channel(row.channel)]))


def _refuse_state(document: Document, content: DispatchContent) -> None:
    document.refresh_from_db(fields=["state", "pdf_sha256", "own_pdf_sha256"])
    if document.is_draft:
        text = _(
            "%(document)s ist noch nicht freigegeben und kann deshalb nicht abgeschickt werden."
        )
        raise DispatchRefused([Problem("", text % {"document": document})])
    if not content.channels:
        raise DispatchRefused([Problem("channels", _("Bitte mindestens einen Versandweg wählen."))])


def _write(
    document: Document,
    user: User,
    content: DispatchContent,
    press: str,
    pdf: FrozenPdf,
    mail: ComposedMail | None,
) -> tuple[Dispatch, ...]:
    if not mark_frozen(document, pdf):
        text = _(
            "Der Beleg wurde gerade geändert. Bitte prüfen Sie ihn und versuchen Sie es noch einmal."
        )
        raise DispatchRefused([Problem("", text)])
    rows = []
    for channel in CHANNELS:
        if channel not in content.channels:
            continue
        row = Dispatch(
            document=document,
            press=press,
            channel=channel,
            pdf_sha256=pdf.sha256,
            created_by=user,
        )
        if channel == Channel.MAIL and mail:
            _queue(row, mail)
        else:
            row.state = Dispatch.State.DONE
            row.recipient = document.contact.name if document.contact else document.address.name
            row.sender = str(user)
            row.letter = content.note
        row.save(force_insert=True)
        rows.append(row)
    if any(row.state == Dispatch.State.DONE for row in rows):
        note_success(document)
    return tuple(rows)


def _queue(row: Dispatch, mail: ComposedMail) -> None:
    draft = mail.draft
    try:
        row.outgoing = enqueue(
            draft=draft,
            bcc=mail.bcc,
            account=mail.choice.account,
            origin=OutgoingMessage.Origin.DOCUMENT,
            once_key=f"document:{row.document_id}:{row.press}",
            created_by=row.created_by,
            sender_reason=mail.choice.reason,
            address=row.document.address,
        )
    except InvalidDraft as fault:
        text = _("Diese Angabe kann so nicht verschickt werden.")
        raise DispatchRefused([Problem(fault.field, text)]) from fault
    row.recipient = ", ".join(str(mailbox) for mailbox in (*draft.to, *draft.cc, *mail.bcc))[:500]
    row.sender = str(draft.from_)[:320]
    row.subject = draft.subject
    row.letter = html_to_text(draft.html)
