"""One mechanism for the lists and forms of base data: a Section says what, section_views.py does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from django.db.models import Model, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse

from company.models import User
from company.rights import Right

if TYPE_CHECKING:
    from django.forms import BaseInlineFormSet
    from django.utils.functional import _StrOrPromise

    Lines: TypeAlias = BaseInlineFormSet[Any, Any, Any]

M = TypeVar("M", bound=Model)


def _nothing_against(_row: Model, _user: User) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column of a row. With a tone it is a badge."""

    text: _StrOrPromise
    sub: _StrOrPromise = ""
    tone: str = ""


@dataclass(frozen=True)  # no slots: Python 3.11 cannot make Column[Project](…) with them
class Column(Generic[M]):
    title: _StrOrPromise
    cell: Callable[[M], Cell]


@dataclass(frozen=True, slots=True)
class Row:
    url: str
    cells: tuple[tuple[_StrOrPromise, Cell], ...]


@dataclass(frozen=True)
class Section(Generic[M]):
    """A kind of base data: its list, its form, who may see and change it.

    The first column is the link to the row's page. URL names are `key`, `key_new`, `key_edit`, `key_delete`.
    """

    key: str
    path: str
    model: type[M]
    form: type[ModelForm[M]]
    columns: tuple[Column[M], ...]
    search: tuple[str, ...]
    title: _StrOrPromise  # of the list
    new: _StrOrPromise  # button and title of the empty form
    empty: _StrOrPromise
    icon: str
    see: Right = Right.SEE_SETTINGS
    change: Right = Right.ADMINISTER
    related: tuple[str, ...] = ()
    lead: _StrOrPromise = ""
    lines: type[Lines] | None = None
    lines_title: _StrOrPromise = ""
    page: str = ""  # URL name of a row's own page that leads to its form; "": the form is it
    pages: tuple[tuple[str, _StrOrPromise], ...] = ()  # URL name and title of more about a row
    actions: tuple[tuple[str, _StrOrPromise], ...] = ()  # the same, of what a click does (POST)
    why_not_delete: Callable[[M, User], str] = _nothing_against
    namespace: str = "company"  # of the app that has the URLs
    template: str = "company/section_form.html"

    def view(self, which: str = "") -> str:
        """The URL name of the list, or of `new`, `edit`, `delete`."""
        return f"{self.namespace}:{self.key}" + (f"_{which}" if which else "")

    def rows(self, query: str) -> QuerySet[M]:
        """All rows in which every word of the query occurs somewhere."""
        found = self.model._default_manager.select_related(*self.related)
        for word in query.split():
            anywhere = Q()
            for field in self.search:
                anywhere |= Q(**{f"{field}__icontains": word})
            found = found.filter(anywhere)
        return found.distinct() if query else found

    def show(self, rows: list[M]) -> Iterator[Row]:
        for row in rows:
            cells = tuple((column.title, column.cell(row)) for column in self.columns)
            yield Row(self.url_of(row), cells)

    def url_of(self, row: M) -> str:
        return reverse(self.page or self.view("edit"), args=[row.pk])

    def make_form(self, request: HttpRequest, row: M | None) -> ModelForm[M]:
        if request.method == "POST":
            return self.form(request.POST, request.FILES, instance=row)
        return self.form(instance=row)

    def make_lines(self, request: HttpRequest, row: M) -> Lines | None:
        if self.lines is None:
            return None
        return self.lines(request.POST if request.method == "POST" else None, instance=row)
