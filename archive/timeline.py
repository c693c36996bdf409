"""Archived mail of an address that stands in no ticket, for its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from archive.models import ArchiveEntry
from company.timeline import Entry, Kind, Link, Search, Strand
from mailstore.search_text import matches


def strands(search: Search) -> Iterable[Strand]:
    """What the address's people wrote to the accounts whose archive the user may read."""
    entries = ArchiveEntry.objects.visible_to(search.user).filter(
        message__from_email__in=search.emails,
        deleted_at__isnull=True,
        # The tickets lie above this app: only the name of the relation is used here.
        message__ticket_messages__isnull=True,
    )
    found = entries.filter(matches(search.words, message="message"))
    yield Strand("archive-mail", Kind.MAIL, found, "mail_date", _mails)


def _mails(pks: Sequence[int]) -> Iterable[Entry]:
    found = ArchiveEntry.objects.filter(pk__in=pks).select_related("message", "account")
    loaded = found.defer("message__text", "message__search_text")
    return [_entry(one) for one in loaded.prefetch_related("message__attachments")]


def _entry(one: ArchiveEntry) -> Entry:
    mail = one.message
    assert mail is not None
    return Entry(
        pk=one.pk,
        icon="archive",
        tone="info",
        word=_("E-Mail erhalten"),
        who=mail.writer,
        title=mail.subject or _("ohne Betreff"),
        url=reverse("archive:detail", args=[one.pk]),
        preview=mail.preview,
        files=tuple(
            Link(file.filename, reverse("archive:attachment", args=[one.pk, file.pk]))
            for file in mail.attachments.all()
            if not (file.is_inline and file.content_id)
        ),
        belongs_to=Link(_("Archiv: %(account)s") % {"account": one.account}, ""),
    )
