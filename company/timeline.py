"""What the timeline of an address is made of: each app brings its own strands of it.

settings.TIMELINE_SOURCES names the sources by dotted path; crm merges their strands by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from company.models import Address, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Kind(StrEnum):
    """The filters of the timeline; the value stands in the page's address."""

    MAIL = "e-mail"
    LETTER = "brief"
    PHONE = "telefon"
    NOTE = "notiz"
    DOCUMENT = "beleg"


@dataclass(frozen=True, slots=True)
class Search:
    """Whose timeline is read, by whom, and which words must occur."""

    address: Address
    emails: frozenset[str]  # of the address and its contact persons, in lower case and as stored
    user: User
    words: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What `_badge.html` needs."""

    text: StrOrPromise
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Link:
    """A file, or something else that has a page: a ticket."""

    text: str
    url: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that passed between the company and the address."""

    pk: int
    icon: str
    word: StrOrPromise  # what it is: „E-Mail erhalten“
    who: str
    title: str
    url: str  # its own page; "" where it is all here
    preview: str = ""
    tone: str = ""  # of the icon
    badge: Mark | None = None
    problem: str = ""  # why it did not arrive
    files: tuple[Link, ...] = ()
    belongs_to: Link | None = None
    text: str = ""  # whole text, shown with its line breaks
    is_pinned: bool = False
    edited: str = ""  # when it was changed last
    history_url: str = ""
    edit_url: str = ""
    delete_url: str = ""
    pin_url: str = ""


@dataclass(frozen=True, slots=True)
class Strand:
    """Things of one kind from one source.

    `rows` holds what the user may see of them and the words occur in, each row once and in any
    order; `load` makes the entries of some of these rows with a fixed number of queries.
    """

    name: str  # unique; orders what happened at the same moment
    kind: Kind
    rows: QuerySet[Any]
    moment: str  # the rows' field of time
    load: Callable[[Sequence[int]], Iterable[Entry]]


Source = Callable[[Search], Iterable[Strand]]


@dataclass(frozen=True, slots=True)
class Dated:
    """An entry in its place."""

    key: str
    moment: datetime
    entry: Entry
