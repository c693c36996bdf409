"""Documents and letters of an address, for its timeline: every dispatch, and what was not sent yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from company.timeline import Entry, Kind, Link, Mark, Search, Strand
from documents.badges import dispatch_badge, document_badge
from documents.history import result_of
from documents.models import Dispatch, Document

_ICONS = {
    Dispatch.Channel.MAIL: "send",
    Dispatch.Channel.PRINTER: "printer",
    Dispatch.Channel.FAX: "file",
    Dispatch.Channel.PHONE: "phone",
}
_TONES = {
    Dispatch.State.DONE: "ok",
    Dispatch.State.FAILED: "err",
    Dispatch.State.UNCERTAIN: "warn",
}


def strands(search: Search) -> Iterable[Strand]:
    documents = Document.objects.visible_to(search.user).filter(address=search.address)
    dispatches = Dispatch.objects.filter(document__in=documents.order_by().values("pk"))
    unsent = documents.filter(dispatches__isnull=True)
    for word in search.words.split():
        in_mail = Q(recipient__icontains=word) | Q(letter__icontains=word)
        dispatches = dispatches.filter(_says(word, "document__") | in_mail)
        unsent = unsent.filter(_says(word, ""))
    kinds = ((Kind.LETTER, True), (Kind.DOCUMENT, False))
    for kind, is_letter in kinds:
        sent = dispatches.filter(document__kind__is_letter=is_letter)
        yield Strand(f"dispatch-{kind}", kind, sent, "created_at", _dispatches)
        kept = unsent.filter(kind__is_letter=is_letter)
        yield Strand(f"document-{kind}", kind, kept, "created_at", _documents)


def _says(word: str, path: str) -> Q:
    fields = ("number__istartswith", "kind__name__icontains", "subject__icontains")
    found = Q()
    for field in (*fields, "intro__icontains"):
        found |= Q(**{f"{path}{field}": word})
    return found


def _dispatches(pks: Sequence[int]) -> Iterable[Entry]:
    found = Dispatch.objects.filter(pk__in=pks).select_related(
        "document__kind", "outgoing", "created_by"
    )
    return [_dispatch(one) for one in found.prefetch_related("outgoing__recipients")]


def _dispatch(one: Dispatch) -> Entry:
    badge, document = dispatch_badge(one), one.document
    return Entry(
        pk=one.pk,
        icon=_ICONS.get(Dispatch.Channel(one.channel), "file-text"),
        tone=_TONES.get(Dispatch.State(one.state), "info"),
        word=_word(one),
        who=f"{one.created_by} → {one.recipient}" if one.created_by else one.recipient,
        title=_title(document),
        url=reverse("documents:detail", args=[document.pk]),
        preview=" ".join(one.letter[:300].split())[:200],
        badge=Mark(badge.text, badge.tone, badge.icon),
        problem=result_of(one) if one.state in Dispatch.STUCK else "",
        files=(_pdf(document),),
    )


def _word(one: Dispatch) -> str:
    kind = one.document.kind.name
    if one.channel == Dispatch.Channel.OTHER:
        return _("%(kind)s, als versendet markiert") % {"kind": kind}
    if one.channel == Dispatch.Channel.PHONE:
        return _("%(kind)s, am Telefon") % {"kind": kind}
    return _("%(kind)s per %(channel)s") % {"kind": kind, "channel": one.get_channel_display()}


def _documents(pks: Sequence[int]) -> Iterable[Entry]:
    found = Document.objects.filter(pk__in=pks).select_related("kind", "created_by")
    return [_document(one) for one in found]


def _document(one: Document) -> Entry:
    badge = document_badge(one, has_failed=False, is_under_way=False)
    return Entry(
        pk=one.pk,
        icon="file-text",
        word=_("%(kind)s, noch nicht abgeschickt") % {"kind": one.kind.name},
        who=str(one.created_by or ""),
        title=_title(one),
        url=reverse("documents:detail", args=[one.pk]),
        preview=" ".join(one.intro[:300].split())[:200] if one.kind.is_letter else "",
        badge=Mark(badge.text, badge.tone, badge.icon),
        files=(_pdf(one),),
    )


def _title(document: Document) -> str:
    return document.subject or str(document)


def _pdf(document: Document) -> Link:
    return Link(document.file_name, reverse("documents:pdf", args=[document.pk]))
