"""The mails and notes of an address's tickets, for its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from company.timeline import Entry, Kind, Link, Mark, Search, Strand
from mailstore.models import StoredMessage
from mailstore.search_text import matches
from outbox.badges import recipients_of, state_badge
from outbox.failure_words import failure_reason, missed_recipients
from outbox.models import OutgoingMessage
from tickets.badges import status_badge
from tickets.models import Ticket, TicketMessage

_BAD = (OutgoingMessage.State.FAILED, OutgoingMessage.State.BOUNCED)
_OWN = (OutgoingMessage.Origin.TICKET, OutgoingMessage.Origin.AUTORESPONSE)


def strands(search: Search) -> Iterable[Strand]:
    """Tickets of the address; those of nobody by the customer's e-mail. Not what lies in the bin."""
    of_address = Q(address=search.address) | Q(
        address__isnull=True, customer_email__in=search.emails
    )
    tickets = Ticket.objects.visible_to(search.user).filter(of_address)
    messages = TicketMessage.objects.filter(
        ticket__in=tickets.exclude(status=Ticket.Status.TRASH).order_by().values("pk")
    )
    mails = messages.exclude(kind=TicketMessage.Kind.NOTE)
    # Letters that were answered stand in tickets too, and in a strand of their own; a reply that
    # was called back reached nobody.
    mails = mails.filter(
        Q(outgoing__isnull=True)
        | Q(outgoing__origin__in=_OWN) & ~Q(outgoing__state=OutgoingMessage.State.CANCELLED)
    )
    notes = messages.filter(kind=TicketMessage.Kind.NOTE)
    for word in search.words.split():
        notes = notes.filter(note__icontains=word)
    yield Strand(
        "ticket-mail",
        Kind.MAIL,
        mails.filter(matches(search.words, message="message")),
        "created_at",
        _mails,
    )
    yield Strand("ticket-note", Kind.NOTE, notes, "created_at", _notes)


def _mails(pks: Sequence[int]) -> Iterable[Entry]:
    found = _with_ticket(pks).select_related("message", "outgoing")
    found = found.prefetch_related("message__attachments", "outgoing__recipients")
    return [_mail(one) for one in found.defer("message__text", "message__search_text")]


def _with_ticket(pks: Sequence[int]) -> QuerySet[TicketMessage]:
    return TicketMessage.objects.filter(pk__in=pks).select_related("ticket", "author")


def _mail(one: TicketMessage) -> Entry:
    mail, outgoing = one.message, one.outgoing
    assert mail is not None
    word, icon, tone, who = _describe(one, mail)
    return Entry(
        pk=one.pk,
        icon=icon,
        tone=tone,
        word=word,
        who=who,
        title=mail.subject or _("ohne Betreff"),
        url=_page(one),
        preview=mail.preview,
        badge=_mark_of(outgoing),
        problem=_problem(outgoing),
        files=tuple(_files(one, mail)),
        belongs_to=_ticket_link(one.ticket),
    )


def _describe(one: TicketMessage, mail: StoredMessage) -> tuple[str, str, str, str]:
    """(word, icon, tone, who)."""
    if one.kind == TicketMessage.Kind.INCOMING:
        return _("E-Mail erhalten"), "mail", "info", mail.writer
    if one.kind == TicketMessage.Kind.AUTORESPONSE:
        return _("Automatische Antwort"), "bot", "", recipients_of(mail)
    who = f"{one.author} → {recipients_of(mail)}" if one.author else recipients_of(mail)
    return _("Antwort"), "reply", "ok", who


def _mark_of(outgoing: OutgoingMessage | None) -> Mark | None:
    if outgoing is None:
        return None
    badge = state_badge(outgoing.state)
    return Mark(badge.text, badge.tone, badge.icon)


def _problem(outgoing: OutgoingMessage | None) -> str:
    if outgoing is None or outgoing.state not in _BAD:
        return ""
    return failure_reason(outgoing, missed_recipients(outgoing))


def _files(one: TicketMessage, mail: StoredMessage) -> Iterable[Link]:
    for file in mail.attachments.all():
        if not (file.is_inline and file.content_id):
            url = reverse("tickets:attachment", args=[one.ticket.number, one.pk, file.pk])
            yield Link(file.filename, url)


def _notes(pks: Sequence[int]) -> Iterable[Entry]:
    return [
        Entry(
            pk=one.pk,
            icon="sticky-note",
            tone="warn",
            word=_("Notiz am Ticket"),
            who=str(one.author or ""),
            title="",
            url=_page(one),
            text=one.note,
            belongs_to=_ticket_link(one.ticket),
        )
        for one in _with_ticket(pks)
    ]


def _page(one: TicketMessage) -> str:
    return f"{reverse('tickets:ticket', args=[one.ticket.number])}#message-{one.pk}"


def _ticket_link(ticket: Ticket) -> Link:
    badge = status_badge(ticket.status)
    url = reverse("tickets:ticket", args=[ticket.number])
    return Link(f"#{ticket.number}", url, Mark(badge.text, badge.tone, badge.icon))
