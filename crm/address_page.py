"""What the page of an address shows, gathered for the templates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from company.bounced import find_bounced
from company.models import Address, BouncedEmail, ContactPerson, User
from company.timeline import Dated, Entry, Kind, Search
from crm.activity_strands import load_activities
from crm.emails import emails_of
from crm.models import Activity
from crm.timeline import MOST_COUNTED, Cursor, Narrowing, Timeline, load_timeline
from tickets.moments import day_name

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FILTERS: tuple[tuple[Kind | None, StrOrPromise, str], ...] = (
    (None, _("Alle"), "list"),
    (Kind.MAIL, _("E-Mail"), "mail"),
    (Kind.LETTER, _("Brief"), "file"),
    (Kind.PHONE, _("Telefon"), "phone"),
    (Kind.NOTE, _("Notiz"), "sticky-note"),
    (Kind.DOCUMENT, _("Belege"), "file-text"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page's own address asks for. An unreadable value counts as not given."""

    kind: Kind | None = None
    words: str = ""
    first: date | None = None
    last: date | None = None
    before: Cursor | None = None

    @classmethod
    def read(cls, values: QueryDict) -> Wanted:
        kind = values.get("art", "")
        return cls(
            kind=Kind(kind) if kind in set(Kind) else None,
            words=" ".join(values.get("q", "").split())[:100],
            first=_day(values.get("von", "")),
            last=_day(values.get("bis", "")),
            before=Cursor.read(values.get("vor", "")),
        )

    @property
    def is_narrowed(self) -> bool:
        return bool(self.words or self.first or self.last)

    def query(self, **more: str) -> str:
        """„?art=brief&q=huber“ with these values in place of ours; "" without any."""
        values = {
            "art": self.kind.value if self.kind else "",
            "q": self.words,
            "von": self.first.isoformat() if self.first else "",
            "bis": self.last.isoformat() if self.last else "",
        } | more
        given = {name: value for name, value in values.items() if value}
        return f"?{urlencode(given)}" if given else ""


@dataclass(frozen=True, slots=True)
class Filter:
    label: StrOrPromise
    icon: str
    query: str
    count: str  # „12“, „999+“
    is_current: bool


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    entries: tuple[Dated, ...]


@dataclass(frozen=True, slots=True)
class TimelinePart:
    """One page of the timeline as the template shows it."""

    wanted: Wanted
    days: tuple[Day, ...]
    pinned: tuple[Entry, ...]
    filters: tuple[Filter, ...]
    older: str  # query of the next page; "" at the end
    fingerprint: str

    @property
    def poll(self) -> str:
        """Query that asks whether anything has changed."""
        return self.wanted.query(stand=self.fingerprint)


@dataclass(frozen=True, slots=True)
class Person:
    contact: ContactPerson
    bounced: BouncedEmail | None


def load_part(address: Address, user: User, wanted: Wanted) -> TimelinePart:
    search = Search(address, emails_of(address, address.contacts.all()), user, wanted.words)
    narrowing = Narrowing(wanted.kind, wanted.first, wanted.last, wanted.before)
    timeline = load_timeline(search, narrowing)
    pinned = _pinned(address, user, wanted)
    shown = f"{timeline.fingerprint}{[entry.pk for entry in pinned]}"
    return TimelinePart(
        wanted=wanted,
        days=tuple(_days(timeline.entries)),
        pinned=pinned,
        filters=tuple(_filters(wanted, timeline)),
        older=wanted.query(vor=str(timeline.older)) if timeline.older else "",
        fingerprint=hashlib.sha256(shown.encode()).hexdigest()[:16],
    )


def load_people(address: Address) -> tuple[tuple[Person, ...], BouncedEmail | None]:
    """The contact persons and the mark of the address itself, with what is known to be dead."""
    contacts = tuple(address.contacts.all())
    marks = {
        mark.email: mark for mark in find_bounced([c.email for c in contacts] + [address.email])
    }
    people = tuple(Person(one, marks.get(one.email.strip().lower())) for one in contacts)
    return people, marks.get(address.email.strip().lower())


def _day(text: str) -> date | None:
    try:
        return parse_date(text[:10])
    except ValueError:
        return None


def _pinned(address: Address, user: User, wanted: Wanted) -> tuple[Entry, ...]:
    """What is kept above the timeline, on its first page and where notes are looked for at all."""
    if wanted.before or wanted.is_narrowed or wanted.kind not in (None, Kind.NOTE):
        return ()
    found = Activity.objects.visible_to(user).filter(address=address, is_pinned=True)
    pks = list(found.values_list("pk", flat=True)[:10])
    return tuple(load_activities(pks, user=user)) if pks else ()


def _days(entries: Iterable[Dated]) -> Iterator[Day]:
    now = timezone.now()
    gathered: list[Dated] = []
    for one in entries:
        if gathered and timezone.localdate(one.moment) != timezone.localdate(gathered[0].moment):
            yield Day(day_name(gathered[0].moment, now=now), tuple(gathered))
            gathered = []
        gathered.append(one)
    if gathered:
        yield Day(day_name(gathered[0].moment, now=now), tuple(gathered))


def _filters(wanted: Wanted, timeline: Timeline) -> Iterator[Filter]:
    for kind, label, icon in FILTERS:
        number = timeline.counts[kind] if kind else timeline.total
        count = f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)
        query = wanted.query(art=kind.value if kind else "") or "?"
        yield Filter(label, icon, query, count, wanted.kind == kind)
