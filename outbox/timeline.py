"""Mails written at the page of an address, for its timeline; those of tickets and documents are theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from company.timeline import Entry, Kind, Link, Mark, Search, Strand
from mailstore.models import StoredMessage
from mailstore.search_text import matches
from outbox.badges import recipients_of, state_badge
from outbox.failure_words import failure_reason, missed_recipients
from outbox.models import OutgoingMessage, Recipient

_State = OutgoingMessage.State
_TROUBLE = (_State.FAILED, _State.BOUNCED, _State.RETRY, _State.UNCERTAIN)


def strands(search: Search) -> Iterable[Strand]:
    """What was written for the address, or to one of its e-mail addresses from elsewhere."""
    written_to = Recipient.objects.filter(email__in=search.emails).values("outgoing_id")
    letters = OutgoingMessage.objects.visible_to(search.user).filter(
        Q(address=search.address) | Q(pk__in=written_to),
        origin=OutgoingMessage.Origin.LETTER,
    )
    sent = letters.exclude(state=_State.CANCELLED)  # nobody has got it
    yield Strand(
        "letter-mail",
        Kind.MAIL,
        sent.filter(matches(search.words, message="message")),
        "created_at",
        _mails,
    )


def _mails(pks: Sequence[int]) -> Iterable[Entry]:
    found = OutgoingMessage.objects.filter(pk__in=pks).select_related("message", "created_by")
    found = found.defer("message__text", "message__search_text")
    return [_entry(one) for one in found.prefetch_related("message__attachments", "recipients")]


def _entry(one: OutgoingMessage) -> Entry:
    mail, badge = one.message, state_badge(one.state)
    missed = missed_recipients(one)
    return Entry(
        pk=one.pk,
        icon="send",
        tone="ok",
        word=_("E-Mail geschrieben"),
        who=f"{one.created_by} → {recipients_of(mail)}" if one.created_by else recipients_of(mail),
        title=mail.subject or _("ohne Betreff"),
        url=reverse("outbox:detail", args=[one.pk]),
        preview=mail.preview,
        badge=Mark(badge.text, badge.tone, badge.icon),
        problem=failure_reason(one, missed) if one.state in _TROUBLE else "",
        files=tuple(_files(one, mail)),
    )


def _files(one: OutgoingMessage, mail: StoredMessage) -> Iterable[Link]:
    for file in mail.attachments.all():
        if not (file.is_inline and file.content_id):
            yield Link(file.filename, reverse("outbox:attachment", args=[one.pk, file.pk]))
