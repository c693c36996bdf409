"""„E-Mail-Archiv“ as a list: search, filters, pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from textwrap import shorten
from typing import cast

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Substr
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from archive.models import ArchiveEntry, ArchiveQuerySet
from company.models import User
from mailaccounts.models import MailAccount
from mailcore.search_words import Place
from mailstore.highlight import excerpt, highlight
from mailstore.models import StoredMessage
from mailstore.search_text import matches

PER_PAGE = 50
COUNTED = 10_000  # more are not counted: nobody turns that many pages
_PREVIEW = 140  # characters
_SEARCHED = 20_000  # characters of a text in which a hit is looked for to show it
_PLACES = {"von": Place.SENDER, "an": Place.RECIPIENT, "betreff": Place.SUBJECT}
_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class FilterForm(forms.Form):
    """What the list is narrowed to; a value nobody offers counts as none."""

    q = forms.CharField(label=_("Suchen"), required=False, max_length=200)
    richtung = forms.ChoiceField(
        label=_("Richtung"),
        choices=[("", _("Ein- und ausgehend")), *StoredMessage.Direction.choices],
        required=False,
    )
    account = forms.ModelChoiceField(
        label=_("Account"),
        queryset=MailAccount.objects.none(),
        required=False,
        empty_label=_("Alle Accounts"),
    )
    von = forms.CharField(label=_("Absender"), required=False, max_length=200)
    an = forms.CharField(label=_("Empfänger"), required=False, max_length=200)
    betreff = forms.CharField(label=_("Betreff"), required=False, max_length=200)
    ab = forms.DateField(label=_("Von Tag"), required=False, widget=_DATE)
    bis = forms.DateField(label=_("Bis Tag"), required=False, widget=_DATE)
    anhang = forms.BooleanField(label=_("nur mit Anhang"), required=False)

    def __init__(self, data: object, *, user: User) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        accounts = MailAccount.objects.mail_visible_to(user).filter(
            Exists(ArchiveEntry.objects.filter(account=OuterRef("pk")))
        )
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]

    @property
    def given(self) -> dict[str, object]:
        """The values asked for, by field."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def has_details(self) -> bool:
        """Whether anything below the first line is used."""
        return bool({"von", "an", "betreff", "ab", "bis", "anhang"} & {*self.given, *self.errors})

    def describe(self) -> str:
        """What was asked, as a person reads it; in the company's language, whoever asks."""
        with override(settings.LANGUAGE_CODE):
            return " · ".join(
                f"{self.fields[name].label}: {self._shown(name, value)}"
                for name, value in self.given.items()
            )

    def _shown(self, name: str, value: object) -> str:
        if isinstance(value, date):
            return f"{value:%d.%m.%Y}"
        if name == "richtung":
            return str(StoredMessage.Direction(str(value)).label)
        return _now("ja") if value is True else str(value)


class ArchivePaginator(Paginator[ArchiveEntry]):
    @cached_property
    def count(self) -> int:
        return cast("ArchiveQuerySet", self.object_list)[:COUNTED].count()


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """A line of the list; a tombstone has no subject."""

    pk: int
    subject: SafeString
    preview: SafeString
    people: SafeString  # who wrote, or to whom
    is_outgoing: bool
    account: str
    when: datetime
    has_attachments: bool
    deleted_at: datetime | None
    deleted_after: int | None


def narrow(entries: ArchiveQuerySet, form: FilterForm) -> ArchiveQuerySet:
    """The entries the form asks for, newest first, ready to be shown."""
    wanted = form.given
    found = entries.filter(matches(str(wanted.get("q", "")), message="message"))
    for name, place in _PLACES.items():
        found = found.filter(matches(str(wanted.get(name, "")), message="message", place=place))
    found = found.filter(_period(wanted.get("ab"), wanted.get("bis")))
    account = wanted.get("account")
    if isinstance(account, MailAccount):
        found = found.filter(account=account)
    if wanted.get("richtung"):
        found = found.filter(direction=wanted["richtung"])
    if wanted.get("anhang"):
        found = found.filter(message__has_attachments=True)
    loaded = found.select_related("message", "account")
    loaded = loaded.defer("message__text", "message__search_text", "account__signature_html")
    if wanted.get("q"):
        loaded = loaded.annotate(searched=Substr("message__text", 1, _SEARCHED))
    return loaded.order_by("-mail_date", "-pk")


def make_rows(entries: Iterable[ArchiveEntry], form: FilterForm) -> list[ArchiveRow]:
    """Lines for entries as `narrow` loads them, with the hits marked."""
    words = {name: str(form.given.get(name, "")) for name in ("q", *_PLACES)}
    return [_row(entry, words) for entry in entries]


def _period(first: object, last: object) -> Q:
    """Whole days of the house's time zone."""
    period = Q()
    if isinstance(first, date):
        period &= Q(mail_date__gte=timezone.make_aware(datetime.combine(first, time.min)))
    if isinstance(last, date):
        following = last + timedelta(days=1)
        period &= Q(mail_date__lt=timezone.make_aware(datetime.combine(following, time.min)))
    return period


def _row(entry: ArchiveEntry, words: dict[str, str]) -> ArchiveRow:
    message = entry.message
    is_outgoing = entry.direction == StoredMessage.Direction.OUTGOING
    query, person = words["q"], words["an" if is_outgoing else "von"]
    preview = shorten(message.preview, _PREVIEW, placeholder=" …") if message else ""
    if message and query and "<mark>" not in highlight(preview, query):
        preview = excerpt(getattr(entry, "searched", None) or "", query, length=_PREVIEW) or preview
    return ArchiveRow(
        pk=entry.pk,
        subject=highlight(message.subject if message else "", f"{query} {words['betreff']}"),
        preview=highlight(preview, query),
        people=highlight(_people(message, is_outgoing) if message else "", f"{query} {person}"),
        is_outgoing=is_outgoing,
        account=str(entry.account),
        when=entry.mail_date,
        has_attachments=bool(message and message.has_attachments),
        deleted_at=entry.deleted_at,
        deleted_after=entry.deleted_after,
    )


def _people(message: StoredMessage, is_outgoing: bool) -> str:
    if not is_outgoing:
        return message.writer
    people = [name or email for name, email in message.people.get("to", [])]
    more = f" (+{len(people) - 2})" if len(people) > 2 else ""
    return ", ".join(people[:2]) + more
