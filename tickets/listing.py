"""Which tickets a list shows: its view, its search, its filters, and a page of 50 rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from company.models import User
from outbox.badges import Badge
from tickets.badges import status_badge
from tickets.models import Ticket, TicketMessage
from tickets.models.ticket import TicketQuerySet
from tickets.moments import full_moment, short_moment, span_text
from tickets.search import search_tickets

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE = 50
COUNT_LIMIT = 1000  # counting further would cost more than the number is worth
LATE_AFTER = timedelta(hours=24)
ACTIVE = (
    Ticket.Status.NEW,
    Ticket.Status.OPEN,
    Ticket.Status.WAIT_INTERNAL,
    Ticket.Status.WAIT_CUSTOMER,
    Ticket.Status.CLARIFY,
)


@dataclass(frozen=True, slots=True)
class View:
    """A ready-made list. `is_main` ones stand in sight, the others in a menu."""

    key: str
    label: StrOrPromise
    empty: StrOrPromise
    is_main: bool = False


_NOTHING = _("In dieser Ansicht liegt kein Ticket.")
VIEWS = (
    View("meine", _("Meine"), _("Ihnen ist kein offenes Ticket zugeordnet."), True),
    View(
        "frei", _("Nicht zugewiesen"), _("Alle offenen Tickets haben einen Verantwortlichen."), True
    ),
    View("alle", _("Alle"), _("Noch gibt es kein Ticket.")),
    View("neu", _("Neu"), _("Es gibt kein neues Ticket.")),
    View("offen", _("Offen"), _NOTHING),
    View("warten_kd", _("Warten auf Kunde"), _NOTHING),
    View("warten_e", _("Warten auf Intern"), _NOTHING),
    View("klaeren", _("Klären"), _NOTHING),
    View("abgeschlossen", _("Abgeschlossen"), _NOTHING),
    View("spam", _("Papierkorb"), _("Der Papierkorb ist leer.")),
)
_BY_KEY = {view.key: view for view in VIEWS}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of a list page asks for. An unreadable value counts as not given."""

    view: str = ""
    query: str = ""
    queue: int | None = None
    account: int | None = None
    before: tuple[datetime, int] | None = None  # the last row of the page before

    @classmethod
    def read(cls, values: QueryDict) -> Wanted:
        view = values.get("ansicht", "")
        return cls(
            view=view if view in _BY_KEY else "",
            query=values.get("q", "").strip()[:200],
            queue=_number(values.get("warteschlange", "")),
            account=_number(values.get("account", "")),
            before=_read_cursor(values.get("vor", "")),
        )

    def address(self, **changes: str) -> str:
        """The query string of this list, with some values changed; empty for the plain list."""
        values = {
            "ansicht": self.view,
            "q": self.query,
            "warteschlange": str(self.queue or ""),
            "account": str(self.account or ""),
        }
        given = {key: value for key, value in (values | changes).items() if value}
        return f"?{urlencode(given)}" if given else ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query or self.queue or self.account)


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A view with its count, as shown above the list."""

    key: str
    label: StrOrPromise
    count: int
    count_text: str
    address: str
    is_current: bool
    is_main: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    pk: int
    number: str
    url: str
    sender: str
    subject: str
    preview: str
    status: Badge
    is_unread: bool
    is_high: bool
    is_late: bool
    time: str
    time_title: str
    queue: str
    tags: tuple[str, ...]
    assignee: str
    initials: str
    has_attachments: bool


@dataclass(frozen=True, slots=True)
class TicketPage:
    rows: tuple[Row, ...]
    next_address: str  # query string of the following rows, "" at the end
    newest: str  # asks from here on for news: the last message stored when the list was read


def count_views(user: User) -> dict[str, int]:
    """How many tickets each view holds; those that only grow are counted up to COUNT_LIMIT."""
    visible = Ticket.objects.visible_to(user).filter(merged_into=None)
    active = visible.filter(status__in=ACTIVE)
    counts = active.aggregate(
        meine=Count("pk", filter=Q(assignee=user)),
        frei=Count("pk", filter=Q(assignee=None)),
        **{status.value: Count("pk", filter=Q(status=status)) for status in ACTIVE},
    )
    for status in (Ticket.Status.CLOSED, Ticket.Status.TRASH):
        counts[status.value] = visible.filter(status=status).order_by()[:COUNT_LIMIT].count()
    counts["alle"] = min(
        sum(counts[status.value] for status in (*ACTIVE, Ticket.Status.CLOSED)), COUNT_LIMIT
    )
    return counts


def default_view(counts: dict[str, int]) -> str:
    """Where work lies: one's own tickets, else those of nobody, else all."""
    return next((key for key in ("meine", "frei") if counts[key]), "alle")


def view_links(wanted: Wanted, counts: dict[str, int]) -> tuple[ViewLink, ...]:
    return tuple(
        ViewLink(
            key=view.key,
            label=view.label,
            count=counts[view.key],
            count_text=str(counts[view.key]) if counts[view.key] < COUNT_LIMIT else "999+",
            address=wanted.address(ansicht=view.key),
            is_current=view.key == wanted.view,
            is_main=view.is_main,
        )
        for view in VIEWS
    )


def empty_text(wanted: Wanted) -> StrOrPromise:
    if wanted.is_narrowed:
        return _("Zu dieser Suche gibt es in der Ansicht kein Ticket.")
    return _BY_KEY[wanted.view].empty


def find_tickets(user: User, wanted: Wanted) -> TicketQuerySet:
    """The tickets of a list, newest first, in one order that has no ties."""
    found = _in_view(Ticket.objects.visible_to(user).filter(merged_into=None), wanted.view, user)
    if wanted.queue:
        found = found.filter(queue_id=wanted.queue)
    if wanted.account:
        found = found.filter(account_id=wanted.account)
    if wanted.query:
        found = search_tickets(found, wanted.query)
    return found.order_by("-last_message_at", "-pk")


def load_page(user: User, wanted: Wanted) -> TicketPage:
    newest = TicketMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = find_tickets(user, wanted)
    if wanted.before:
        moment, pk = wanted.before
        found = found.filter(Q(last_message_at__lt=moment) | Q(last_message_at=moment, pk__lt=pk))
    tickets = list(
        found.select_related("assignee", "queue").prefetch_related("tags")[: PAGE_SIZE + 1]
    )
    now, shown = timezone.now(), tickets[:PAGE_SIZE]
    has_more = len(tickets) > PAGE_SIZE
    return TicketPage(
        rows=tuple(_row(ticket, wanted, now) for ticket in shown),
        next_address=wanted.address(vor=_cursor(shown[-1])) if has_more else "",
        newest=str(newest),
    )


def load_row(ticket: Ticket, wanted: Wanted) -> Row:
    """The line of one ticket, after it was changed."""
    return _row(ticket, wanted, timezone.now())


def count_news(user: User, wanted: Wanted, since: str) -> int:
    """Tickets of this list in which a customer's mail has been stored since the list was read.

    By the order of storing: a mail that was long on its way is older than the newest row.
    """
    last = _number(since)
    if last is None:
        return 0
    stored = TicketMessage.objects.filter(pk__gt=last, kind=TicketMessage.Kind.INCOMING)
    news = find_tickets(user, wanted).filter(pk__in=stored.values("ticket_id"))
    return news.exclude(waiting_since=None)[:COUNT_LIMIT].count()


def initials_of(user: User | None) -> str:
    """„PK“ for Petra Klein."""
    words = str(user).replace(".", " ").split() if user else []
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _in_view(tickets: TicketQuerySet, view: str, user: User) -> TicketQuerySet:
    if view == "meine":
        return tickets.filter(status__in=ACTIVE, assignee=user)
    if view == "frei":
        return tickets.filter(status__in=ACTIVE, assignee=None)
    if view == "alle":
        return tickets.exclude(status=Ticket.Status.TRASH)
    return tickets.filter(status=view)


def _row(ticket: Ticket, wanted: Wanted, now: datetime) -> Row:
    waits = now - ticket.waiting_since if ticket.waiting_since else None
    title = full_moment(ticket.last_message_at, now=now)
    if waits is not None:
        title = _("Wartet seit %(span)s – letzte Nachricht %(time)s") % {
            "span": span_text(waits),
            "time": title,
        }
    return Row(
        pk=ticket.pk,
        number=ticket.number,
        url=reverse("tickets:ticket", args=[ticket.number]) + wanted.address(),
        sender=ticket.customer_name or ticket.customer_email or str(_("ohne Absender")),
        subject=ticket.subject or str(_("ohne Betreff")),
        preview=ticket.preview,
        status=status_badge(ticket.status),
        is_unread=ticket.status == Ticket.Status.NEW,
        is_high=ticket.priority == Ticket.Priority.HIGH,
        is_late=waits is not None and waits > LATE_AFTER and ticket.status in ACTIVE,
        time=short_moment(ticket.waiting_since or ticket.last_message_at, now=now),
        time_title=str(title),
        queue=str(ticket.queue) if ticket.queue else "",
        tags=tuple(_first(tag.name for tag in ticket.tags.all())),
        assignee=str(ticket.assignee) if ticket.assignee else "",
        initials=initials_of(ticket.assignee),
        has_attachments=ticket.has_attachments,
    )


def _first(names: Iterable[str]) -> list[str]:
    return list(names)[:3]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _cursor(ticket: Ticket) -> str:
    return f"{ticket.last_message_at.isoformat()}_{ticket.pk}"


def _read_cursor(text: str) -> tuple[datetime, int] | None:
    moment_text, _separator, pk_text = text.rpartition("_")
    moment, pk = _read_moment(moment_text), _number(pk_text)
    return (moment, pk) if moment is not None and pk is not None else None


def _read_moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and timezone.is_aware(moment) else None
