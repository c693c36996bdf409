"""Which documents a list shows, and one row of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict

from documents.badges import document_badge
from documents.models import Dispatch, Document, DocumentKind, Position
from documents.models.document import DocumentQuerySet
from documents.totals import add_up
from outbox.badges import Badge

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of a list page asks for. An unreadable value counts as not given."""

    query: str = ""
    kind: str = ""
    state: str = ""
    address: int | None = None
    since: datetime.date | None = None
    until: datetime.date | None = None

    @classmethod
    def read(cls, values: QueryDict) -> Wanted:
        state = values.get("status", "")
        address = values.get("adresse", "")
        return cls(
            query=values.get("q", "").strip()[:100],
            kind=values.get("art", "")[:20],
            state=state if state in Document.State.values else "",
            address=int(address) if address.isascii() and address.isdigit() else None,
            since=_read_date(values.get("von", "")),
            until=_read_date(values.get("bis", "")),
        )

    @property
    def is_narrowed(self) -> bool:
        narrowing = (self.query, self.kind, self.state, self.address, self.since, self.until)
        return any(narrowing)

    @property
    def query_string(self) -> str:
        """For the links to other pages: „q=huber&“ or nothing."""
        values = {
            "q": self.query,
            "art": self.kind,
            "status": self.state,
            "adresse": str(self.address or ""),
            "von": str(self.since or ""),
            "bis": str(self.until or ""),
        }
        given = {name: value for name, value in values.items() if value}
        return f"{urlencode(given)}&" if given else ""


def _read_date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; `gross` is None for kinds without prices."""

    document: Document
    badge: Badge
    gross: Decimal | None


def find_documents(visible: DocumentQuerySet, wanted: Wanted) -> DocumentQuerySet:
    """Narrows what the user may see; newest first."""
    found = visible
    if wanted.kind:
        found = found.filter(kind__key=wanted.kind)
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.address:
        found = found.filter(address=wanted.address)
    if wanted.since:
        found = found.filter(date__gte=wanted.since)
    if wanted.until:
        found = found.filter(date__lte=wanted.until)
    for word in wanted.query.split():
        found = found.filter(_says(word))
    return found


def _says(word: str) -> Q:
    """Number (with its prefix or without), address or text of a position."""
    position = Position.objects.filter(document=OuterRef("pk"))
    found: Q = (
        Q(number__istartswith=word)
        | Q(address__name__icontains=word)
        | Q(address__number__istartswith=word)
        | Q(Exists(position.filter(Q(text__icontains=word) | Q(article__istartswith=word))))
    )
    for prefix, pk in DocumentKind.objects.values_list("file_prefix", "pk"):
        if prefix and word.upper().startswith(prefix) and word[len(prefix) :].isdigit():
            found |= Q(kind=pk, number__istartswith=word[len(prefix) :])
    return found


def page_of_rows(found: DocumentQuerySet, number: str) -> tuple[Page[Document], list[Row]]:
    """One page and its rows: the same number of queries however many there are."""
    failed = Dispatch.objects.filter(document=OuterRef("pk"), state__in=Dispatch.STUCK)
    pending = Dispatch.objects.filter(document=OuterRef("pk"), state__in=Dispatch.UNDER_WAY)
    annotated = (
        found.select_related("kind", "address", "project")
        .prefetch_related("positions")
        .annotate(has_failed=Exists(failed), is_under_way=Exists(pending))
    )
    page = Paginator(annotated, PAGE_SIZE).get_page(number)
    return page, [_row(document) for document in page.object_list]


def _row(document: Document) -> Row:
    priced = document.kind.has_prices and not (
        document.own_pdf_sha256 and not document.positions.all()
    )
    return Row(
        document=document,
        badge=document_badge(
            document,
            has_failed=getattr(document, "has_failed", False),
            is_under_way=getattr(document, "is_under_way", False),
        ),
        gross=add_up(document.positions.all()).gross if priced else None,
    )
