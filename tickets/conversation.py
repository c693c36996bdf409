"""What a ticket's page shows in order: days, mails, notes and the lines of the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, urlize
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from company.models import User
from company.rights import Right
from mailcore.quotes import split_quoted
from mailstore.download import can_preview
from mailstore.models import StoredAttachment, StoredMessage
from outbox.badges import Badge, state_badge
from outbox.models import OutgoingMessage, Recipient
from outbox.waiting import parked_reason
from tickets.models import Ticket, TicketEvent, TicketMessage
from tickets.moments import day_name, full_moment, short_moment

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = OutgoingMessage.State
_MOVING = (State.SCHEDULED, State.QUEUED, State.SENDING, State.RETRY, State.UNCERTAIN)
_MOST_LINKED = 50_000  # characters
_RETRIABLE = (State.FAILED, State.UNCERTAIN, State.BOUNCED)


@dataclass(frozen=True, slots=True)
class File:
    pk: int
    name: str
    size: str
    url: str
    preview_url: str  # empty where there is no preview


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a mail of ours has come."""

    state: str
    badge: Badge
    state_url: str  # asked for news; empty when nothing will change
    reason: str
    is_bad: bool
    undo_url: str
    retry_url: str
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A mail or a note. With a `frame_url` the body stands in a frame of its own."""

    pk: int
    kind: str
    who: str
    addresses: tuple[str, ...]
    disguise: str  # the sender's name where it is another address
    time: str
    time_title: str
    text: str
    quoted: str
    frame_url: str
    files: tuple[File, ...]
    headers_url: str
    original_url: str
    frame_link: str  # the formatted form of a mail shown as text
    delivery: Delivery | None
    entry: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class Line:
    """An event of the history, or (`entry` "day") the heading of a day."""

    text: StrOrPromise
    time: str = ""
    who: str = ""
    times: int = 1  # how often the same happened without anything else between
    entry: Literal["event", "day"] = "event"


@dataclass(frozen=True, slots=True)
class Conversation:
    entries: tuple[Message | Line, ...]
    last_message: int  # key of the newest mail or note, 0 if there is none


def load_conversation(ticket: Ticket, user: User) -> Conversation:
    """Everything that happened in a ticket, oldest first, in four queries."""
    now = timezone.now()
    messages = list(_with_mail(ticket.messages.all()))
    happened: list[tuple[datetime, int, Message | Line]] = [
        (one.created_at, 1, _message(ticket, one, user, now)) for one in messages
    ]
    for event in ticket.events.select_related("actor"):
        happened.append((event.created_at, 0, event_line(event)))
    happened.sort(key=lambda item: item[:2])
    return Conversation(
        entries=tuple(_with_days(_told_once(happened), now)),
        last_message=max((one.pk for one in messages), default=0),
    )


def load_message(ticket: Ticket, pk: int, user: User) -> Message | None:
    """One entry of the conversation as it stands now."""
    found = _with_mail(ticket.messages.filter(pk=pk)).first()
    return _message(ticket, found, user, timezone.now()) if found else None


def newest_after(ticket: Ticket, last: str) -> TicketMessage | None:
    """The newest mail or note after the one with the key `last`; None if that is no key."""
    if not (last.isascii() and last.isdigit() and len(last) < 18):
        return None
    found = ticket.messages.filter(pk__gt=int(last)).select_related("author", "message")
    return found.order_by("-pk").first()


def event_line(event: TicketEvent) -> Line:
    return Line(
        text=event.text,
        time=timezone.localtime(event.created_at).strftime("%H:%M"),
        who=str(event.actor) if event.actor else _("System"),
    )


def _with_mail(messages: QuerySet[TicketMessage]) -> QuerySet[TicketMessage]:
    return (
        messages.select_related("message", "outgoing", "author")
        .defer("message__search_text")
        .prefetch_related("message__attachments", "outgoing__recipients")
        .order_by("created_at", "pk")
    )


def _told_once(
    happened: Iterable[tuple[datetime, int, Message | Line]],
) -> Iterable[tuple[datetime, int, Message | Line]]:
    """The same event again and again is one line, with the time of the last."""
    kept: list[tuple[datetime, int, Message | Line]] = []
    for item in happened:
        entry, last = item[2], kept[-1][2] if kept else None
        if (
            isinstance(entry, Line)
            and isinstance(last, Line)
            and (entry.text, entry.who) == (last.text, last.who)
        ):
            kept[-1] = (*item[:2], replace(entry, times=last.times + 1))
        else:
            kept.append(item)
    return kept


def _with_days(
    happened: Iterable[tuple[datetime, int, Message | Line]], now: datetime
) -> Iterable[Message | Line]:
    day: date | None = None
    for moment, _order, entry in happened:
        if timezone.localdate(moment) != day:
            day = timezone.localdate(moment)
            yield Line(text=day_name(moment, now=now), entry="day")
        yield entry


def _message(ticket: Ticket, one: TicketMessage, user: User, now: datetime) -> Message:
    mail = one.message
    is_incoming = one.kind == TicketMessage.Kind.INCOMING
    new, quoted = split_quoted(mail.text if mail else one.note)
    as_frame = bool(mail and mail.has_html and is_incoming)
    url = _urls(ticket, one)
    return Message(
        pk=one.pk,
        kind=one.kind,
        who=_who(one),
        addresses=_addresses(mail, is_incoming) if mail else (),
        disguise=mail.from_name if mail and is_incoming and mail.is_disguised else "",
        time=short_moment(one.created_at, now=now),
        time_title=full_moment(one.created_at, now=now),
        text="" if as_frame else _with_links(new.strip("\r\n")),
        quoted="" if as_frame else _with_links(quoted.strip("\r\n")),
        frame_url=url("mail_frame") if as_frame else "",
        frame_link=url("mail_frame") if mail and mail.has_html and not is_incoming else "",
        files=tuple(_files(ticket, one, mail)) if mail else (),
        headers_url=url("mail_headers") if mail else "",
        original_url=url("mail_original") if mail else "",
        delivery=_delivery(ticket, one, user) if one.outgoing else None,
    )


def _with_links(text: str) -> str:
    """Escaped text in which addresses can be clicked; they open in a tab that learns nothing of us."""
    if len(text) > _MOST_LINKED:
        return escape(text)
    linked = urlize(text, autoescape=True)
    opener = '<a target="_blank" rel="noopener noreferrer" href="'
    # What looked like a tag in the text is escaped by now: only the links made here are met.
    return mark_safe(linked.replace('<a href="', opener))  # noqa: S308


def _urls(ticket: Ticket, one: TicketMessage) -> Callable[..., str]:
    """Makes the addresses below one message: name, then keys."""

    def url(name: str, *keys: int) -> str:
        return reverse(f"tickets:{name}", args=[ticket.number, one.pk, *keys])

    return url


def _who(one: TicketMessage) -> str:
    if one.kind == TicketMessage.Kind.AUTORESPONSE:
        return _("Automatische Antwort")
    if one.author:
        return str(one.author)
    if one.message:
        return one.message.writer or _("ohne Absender")
    return _("System")


def _addresses(mail: StoredMessage, is_incoming: bool) -> tuple[str, ...]:
    """„von …“, „an …“, „CC …“, as far as they say something new."""
    lines = []
    if is_incoming and mail.from_email:
        lines.append(mail.from_email)
    for key, label in (("to", _("an")), ("cc", _("CC"))):
        people = mail.people.get(key, []) if isinstance(mail.people, dict) else []
        shown = ", ".join(email or name for name, email in people[:8])
        if shown:
            more = _(" und %(n)d weitere") % {"n": len(people) - 8} if len(people) > 8 else ""
            lines.append(f"{label} {shown}{more}")
    return tuple(lines)


def _files(ticket: Ticket, one: TicketMessage, mail: StoredMessage) -> Iterable[File]:
    for attachment in mail.attachments.all():
        if attachment.is_inline and attachment.content_id and mail.has_html:
            continue  # stands in the text
        yield file_of(ticket, one, attachment)


def file_of(ticket: Ticket, one: TicketMessage, attachment: StoredAttachment) -> File:
    url = _urls(ticket, one)
    return File(
        pk=attachment.pk,
        name=attachment.filename,
        size=filesizeformat(attachment.size),
        url=url("attachment", attachment.pk),
        preview_url=url("preview", attachment.pk) if can_preview(attachment) else "",
    )


def _delivery(ticket: Ticket, one: TicketMessage, user: User) -> Delivery:
    outgoing = one.outgoing
    assert outgoing is not None
    state, url = outgoing.state, _urls(ticket, one)
    may_answer = user.may(Right.ANSWER_TICKETS)
    can_undo = may_answer and state == State.SCHEDULED and one.kind == TicketMessage.Kind.REPLY
    return Delivery(
        state=state,
        badge=state_badge(state),
        state_url=f"{url('mail_state')}?stand={state}" if state in _MOVING else "",
        reason=_reason(outgoing),
        is_bad=state in (State.FAILED, State.BOUNCED),
        undo_url=url("undo") if can_undo else "",
        retry_url=url("retry") if may_answer and state in _RETRIABLE else "",
        is_cancelled=state == State.CANCELLED,
    )


def _reason(outgoing: OutgoingMessage) -> str:
    """Why a mail has not arrived, in the server's words; who did not get it."""
    if outgoing.state == State.QUEUED:
        return parked_reason(outgoing)
    if outgoing.state in (State.SCHEDULED, State.SENDING, State.CANCELLED):
        return ""
    refused = [
        f"{recipient.email}: {recipient.reply or recipient.get_state_display()}"
        for recipient in outgoing.recipients.all()
        if recipient.state in (Recipient.State.REFUSED, Recipient.State.BOUNCED)
    ]
    if refused:
        return " · ".join(refused)
    return "" if outgoing.state == State.SENT else outgoing.last_reply
