"""„Korrespondenz“: the strands of all apps merged by time, a page at a time.

One query finds which entries stand on the page, one counts, and each strand that has something there
loads it. However long the timeline, the number of queries is bounded by the number of strands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import import_string

from company.models import User
from company.timeline import Dated, Entry, Kind, Search, Source, Strand

PAGE = 40
MOST_COUNTED = 999


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place in a timeline after which older entries follow."""

    moment: datetime
    strand: str
    pk: int

    def __str__(self) -> str:
        return f"{self.moment.isoformat()}~{self.strand}~{self.pk}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """None for what is no place; a cursor is never trusted further than its order."""
        parts = text[:120].split("~")
        if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
            return None
        try:
            moment = parse_datetime(parts[0])
        except ValueError:
            return None
        pk = int(parts[2][:18])
        return cls(moment, parts[1], pk) if moment and timezone.is_aware(moment) else None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a page of the timeline is narrowed to."""

    kind: Kind | None = None
    first: date | None = None
    last: date | None = None
    before: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: tuple[Dated, ...]  # newest first
    counts: dict[Kind, int]  # MOST_COUNTED + 1 stands for more
    older: Cursor | None  # where the next page begins; None at the end

    @property
    def total(self) -> int:
        return min(sum(self.counts.values()), MOST_COUNTED + 1)

    @property
    def fingerprint(self) -> str:
        """Changes when anything that the page shows changes."""
        shown = "|".join(f"{one.key} {one.entry}" for one in self.entries)
        counted = "|".join(map(str, self.counts.values()))
        return hashlib.sha256(f"{shown}#{counted}".encode()).hexdigest()[:16]


def load_timeline(search: Search, narrowing: Narrowing) -> Timeline:
    """One page of what passed between the company and the address, as far as the user may see it."""
    sources: list[Source] = [import_string(path) for path in settings.TIMELINE_SOURCES]
    strands = [strand for source in sources for strand in source(search)]
    in_period = [(strand, strand.rows.filter(_period(strand, narrowing))) for strand in strands]
    wanted = [(s, rows) for s, rows in in_period if narrowing.kind in (None, s.kind)]
    keys = _find_page(wanted, narrowing.before)
    shown = keys[:PAGE]
    return Timeline(
        entries=tuple(_load(shown, strands)),
        counts=_count(in_period, search.user),
        older=shown[-1] if len(keys) > PAGE else None,
    )


def _period(strand: Strand, narrowing: Narrowing) -> Q:
    """Whole days of the house's time zone."""
    period = Q()
    if narrowing.first:
        begin = timezone.make_aware(datetime.combine(narrowing.first, time.min))
        period &= Q(**{f"{strand.moment}__gte": begin})
    if narrowing.last and narrowing.last < date.max:
        following = narrowing.last + timedelta(days=1)
        end = timezone.make_aware(datetime.combine(following, time.min))
        period &= Q(**{f"{strand.moment}__lt": end})
    return period


def _find_page(
    wanted: Iterable[tuple[Strand, QuerySet[Any]]], before: Cursor | None
) -> list[Cursor]:
    """The places of the entries of one page and one more, newest first, in one query."""
    parts = [_keys(strand, rows.filter(_older(strand, before))) for strand, rows in wanted]
    if not parts:
        return []
    order = ("-at", "-strand", "-key")
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return [Cursor(*row) for row in found.order_by(*order)[: PAGE + 1]]


def _keys(strand: Strand, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    named = rows.order_by().annotate(at=F(strand.moment), strand=Value(strand.name), key=F("pk"))
    keys: QuerySet[Any, Any] = named.values_list("at", "strand", "key")
    return keys


def _older(strand: Strand, before: Cursor | None) -> Q:
    if before is None:
        return Q()
    older = Q(**{f"{strand.moment}__lt": before.moment})
    if strand.name < before.strand:
        return Q(**{f"{strand.moment}__lte": before.moment})
    if strand.name == before.strand:
        return older | Q(**{strand.moment: before.moment, "pk__lt": before.pk})
    return older


def _load(keys: Sequence[Cursor], strands: Iterable[Strand]) -> Iterable[Dated]:
    loaded: dict[tuple[str, int], Entry] = {}
    for strand in strands:
        pks = [key.pk for key in keys if key.strand == strand.name]
        if pks:
            loaded |= {(strand.name, entry.pk): entry for entry in strand.load(pks)}
    for key in keys:
        entry = loaded.get((key.strand, key.pk))
        if entry is not None:  # else it went between two queries
            yield Dated(f"{key.strand}-{key.pk}", key.moment, entry)


def _count(strands: Iterable[tuple[Strand, QuerySet[Any]]], user: User) -> dict[Kind, int]:
    """How many there are of each kind, in one query that looks at no more than is shown."""
    strands = list(strands)
    numbers = User.objects.filter(pk=user.pk).values_list(*(_number(rows) for _, rows in strands))
    counts = dict.fromkeys(Kind, 0)
    for (strand, _rows), number in zip(strands, numbers.get(), strict=True):
        counts[strand.kind] = min(counts[strand.kind] + int(number), MOST_COUNTED + 1)
    return counts


def _number(rows: QuerySet[Any]) -> Coalesce:
    """How many rows, as a part of another query."""
    some = rows.model._default_manager.filter(
        pk__in=rows.order_by().values("pk")[: MOST_COUNTED + 1]
    )
    counted = some.order_by().values(one=Value(1)).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
