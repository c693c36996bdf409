"""„abschicken“: a released document goes out through one or several channels at once.

Everything is checked before anything is queued; one transaction then writes the frozen PDF, the mail
and one row per channel. The same press of the button gives the rows that exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from company.models import User
from company.nudge import nudge
from documents.dispatch_content import Channel, DispatchContent
from documents.errors import DispatchRefused, Problem
from documents.fax import PreparedFax, prepare_fax
from documents.freeze import mark_frozen
from documents.mail import ComposedMail, compose_mail
from documents.models import Dispatch, Document, Printer
from documents.parcel import Parcel, pack
from documents.settle import note_success
from documents.tasks import run_print_jobs
from mailcore.errors import InvalidDraft, TooLarge
from mailcore.html_text import html_to_text
from outbox.enqueue import enqueue, too_large_text
from outbox.models import OutgoingMessage

CHANNELS = (Channel.MAIL, Channel.PRINTER, Channel.FAX, Channel.PHONE, Channel.OTHER)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What each channel needs, checked; None where the channel is not used."""

    parcel: Parcel
    mail: ComposedMail | None
    printer: Printer | None
    fax: PreparedFax | None


def dispatch(
    *, document: Document, user: User, content: DispatchContent, press: str
) -> tuple[Dispatch, ...]:
    """One row per channel. Mail, print and fax are queued, the other channels are done at once.

    `press`: the form's token, ≤ 64 characters. Raises DispatchRefused with every reason, having
    changed nothing.
    """
    done = _rows_of(document, press)
    if done:
        return done
    _refuse_state(document, content)
    prepared = _prepare(document, user, content)
    try:
        with transaction.atomic(durable=True):
            return _write(document, user, content, press, prepared)
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


def _prepare(document: Document, user: User, content: DispatchContent) -> _Prepared:
    """Raises DispatchRefused with the reasons of all channels."""
    parcel = pack(document, content)
    problems: list[Problem] = []

    def attempt(channel: Channel, make: Callable[[], T]) -> T | None:
        try:
            return make() if channel in content.channels else None
        except DispatchRefused as refusal:
            problems.extend(refusal.problems)
            return None

    prepared = _Prepared(
        parcel=parcel,
        mail=attempt(
            Channel.MAIL,
            lambda: compose_mail(document=document, user=user, content=content, files=parcel.files),
        ),
        printer=attempt(Channel.PRINTER, lambda: _chosen_printer(content)),
        fax=attempt(Channel.FAX, lambda: prepare_fax(document, content, parcel)),
    )
    if problems:
        raise DispatchRefused(problems)
    return prepared


def _chosen_printer(content: DispatchContent) -> Printer:
    printer = content.printer
    if printer is None or printer.is_fax or not printer.is_active:
        raise DispatchRefused([Problem("printer", _("Bitte einen Drucker wählen."))])
    return printer


def _write(
    document: Document, user: User, content: DispatchContent, press: str, prepared: _Prepared
) -> tuple[Dispatch, ...]:
    parcel = prepared.parcel
    if not mark_frozen(document, parcel.pdf):
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
            pdf_sha256=parcel.paper_sha256,
            pdf_name=parcel.paper.filename[:120],
            recipient=document.contact.name if document.contact else document.address.name,
            sender=str(user),
            created_by=user,
        )
        _fill(row, content, prepared)
        row.save(force_insert=True)
        rows.append(row)
    if any(row.state == Dispatch.State.DONE for row in rows):
        note_success(document)
    return tuple(rows)


def _fill(row: Dispatch, content: DispatchContent, prepared: _Prepared) -> None:
    """What this channel adds to its row; what it queues is queued here."""
    if row.channel == Channel.MAIL and prepared.mail:
        _queue_mail(row, prepared.mail, once_key=f"document:{row.document_id}:{row.press}")
    elif row.channel == Channel.FAX and prepared.fax:
        _queue_fax(row, prepared.fax)
    elif row.channel == Channel.PRINTER and prepared.printer:
        _queue_print(row, prepared.printer)
    else:
        row.state = Dispatch.State.DONE
        row.letter = content.note


def _queue_print(row: Dispatch, printer: Printer) -> None:
    row.printer = printer
    row.recipient = str(printer)
    nudge(run_print_jobs, printer.pk)


def _queue_fax(row: Dispatch, fax: PreparedFax) -> None:
    row.printer = fax.device
    row.fax_number = fax.number
    if fax.mail is None:
        nudge(run_print_jobs, fax.device.pk)
    else:
        key = f"document:{row.document_id}:{row.press}:fax"
        name = row.recipient
        _queue_mail(row, fax.mail, once_key=key)
        row.recipient, row.letter = name, ""
    row.recipient = f"{row.recipient}, {fax.number}"[:500]


def _queue_mail(row: Dispatch, mail: ComposedMail, *, once_key: str) -> None:
    draft = mail.draft
    try:
        row.outgoing = enqueue(
            draft=draft,
            raw=mail.raw,
            bcc=mail.bcc,
            account=mail.choice.account,
            origin=OutgoingMessage.Origin.DOCUMENT,
            once_key=once_key,
            created_by=row.created_by,
            sender_reason=mail.choice.reason,
            send_at=_end_of_undo_time(row.created_by),
            # What a fax gateway answers is no letter of the customer's.
            address=row.document.address if row.channel == Channel.MAIL else None,
        )
    except TooLarge as fault:
        raise DispatchRefused([Problem("", too_large_text(fault))]) from fault
    except InvalidDraft as fault:
        text = _("Diese Angabe kann so nicht verschickt werden.")
        raise DispatchRefused([Problem(fault.field, text)]) from fault
    row.recipient = ", ".join(str(mailbox) for mailbox in (*draft.to, *draft.cc, *mail.bcc))[:500]
    row.sender = str(draft.from_)[:320]
    row.subject = draft.subject
    row.letter = html_to_text(draft.html)


def _end_of_undo_time(user: User | None) -> datetime | None:
    """Until then the mail can be called back; None: it leaves at once."""
    seconds = user.undo_seconds if user else 0
    return timezone.now() + timedelta(seconds=seconds) if seconds else None
