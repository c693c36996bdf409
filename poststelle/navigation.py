"""What every page shows around its content: navigation with counts, and banners."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from company.models import CompanySettings, User
from company.page_answers import is_htmx
from company.rights import Right
from poststelle.nav_counts import read_nav_counts


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str | Promise
    view: str  # URL name
    icon: str
    right: Right | None = None
    go: str = ""  # the letter after g
    url: str = ""
    count: int = 0
    tone: str = ""
    active: bool = False


@dataclass(frozen=True, slots=True)
class NavGroup:
    title: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class Banner:
    tone: str
    text: str
    url: str = ""
    action: str = ""


WORK = (
    NavItem(_("Übersicht"), "home", "layout-dashboard"),
    NavItem(_("Tickets"), "tickets:list", "inbox", Right.SEE_TICKETS, "t"),
    NavItem(_("Belege"), "documents:list", "file-text", Right.SEE_DOCUMENTS, "b"),
    NavItem(_("Postausgang"), "outbox:list", "send", Right.SEE_OUTBOX, "p"),
    NavItem(_("Adressen"), "company:addresses", "building-2", Right.SEE_ADDRESSES, "a"),
    NavItem(_("E-Mail-Archiv"), "archive:list", "archive", Right.SEE_ARCHIVE, "r"),
)
SETTINGS = (
    NavItem(_("E-Mail Accounts"), "mailaccounts:list", "mail", Right.SEE_SETTINGS),
    NavItem(_("Eingang"), "intake:list", "list-checks", Right.SEE_SETTINGS),
    NavItem(_("Projekte"), "company:projects", "folder", Right.SEE_SETTINGS),
    NavItem(_("Warteschlangen"), "company:queues", "layers", Right.SEE_SETTINGS),
    NavItem(_("Ticketregeln"), "tickets:rules", "filter", Right.SEE_SETTINGS),
    NavItem(_("Vorlagen"), "documents:templates", "pencil", Right.SEE_SETTINGS),
    NavItem(_("Belegarten"), "documents:kinds", "file-text", Right.SEE_SETTINGS),
    NavItem(_("Drucker und Fax"), "documents:printers", "printer", Right.SEE_SETTINGS),
    NavItem(_("Mitarbeiter"), "company:employees", "contact", Right.SEE_SETTINGS),
    NavItem(_("Benutzer"), "company:users", "users", Right.SEE_SETTINGS),
    NavItem(_("Grundeinstellungen"), "company:settings", "settings", Right.SEE_SETTINGS),
    NavItem(_("Systemzustand"), "system_state", "activity", Right.SEE_SETTINGS),
    NavItem(_("Protokoll"), "company:audit", "scroll-text", Right.SEE_SETTINGS),
)


def shell(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav` and `banners` of base.html. Two queries; none for fragments."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or is_htmx(request):
        return {}
    read = read_nav_counts(user)
    counts = {
        "tickets:list": (read.my_tickets, ""),
        "outbox:list": (read.not_delivered, "err"),
        "intake:list": (read.set_aside, "err"),
    }
    groups = [NavGroup("", _items(WORK, request, user, counts))]
    manages = "mailaccounts:list" if read.manages_accounts else ""
    if settings_items := _items(SETTINGS, request, user, counts, manages):
        groups.append(NavGroup(str(_("Verwaltung")), settings_items))
    banners = _banners(user, read.faulty_accounts)
    return {"nav": groups, "banners": banners, "unread_notices": read.unread_notices}


def _items(
    items: tuple[NavItem, ...],
    request: HttpRequest,
    user: User,
    counts: dict[str, tuple[int, str]],
    manages: str = "",
) -> tuple[NavItem, ...]:
    shown = []
    for item in items:
        if item.right and not user.may(item.right) and item.view != manages:
            continue
        url = reverse(item.view)
        count, tone = counts.get(item.view, (0, ""))
        active = request.path == url or (url != "/" and request.path.startswith(url))
        if item.view == "tickets:list" and request.path.startswith(reverse("tickets:rules")):
            active = False  # rules lie below the tickets, but have an entry of their own
        shown.append(replace(item, url=url, count=count, tone=tone, active=active))
    return tuple(shown)


def _banners(user: User, faulty_accounts: int) -> list[Banner]:
    paused = CompanySettings.load()
    switched = [
        str(word)
        for is_on, word in (
            (paused.fetching_paused, _("das Abholen")),
            (paused.sending_paused, _("der Versand")),
            (paused.autoresponses_paused, _("der Autoresponder")),
        )
        if is_on
    ]
    banners = []
    is_admin = user.may(Right.ADMINISTER)
    if switched:
        banners.append(
            Banner(
                "warn",
                str(_("Angehalten: %s.")) % ", ".join(switched),
                reverse("company:settings") if is_admin else "",
                str(_("Zu den Grundeinstellungen")) if is_admin else "",
            )
        )
    if is_admin and faulty_accounts:
        banners.append(_account_banner(faulty_accounts))
    return banners


def _account_banner(found: int) -> Banner:
    text = (
        _("Ein E-Mail Account ist gestört.")
        if found == 1
        else str(_("%d E-Mail Accounts sind gestört.")) % found
    )
    return Banner("err", str(text), reverse("mailaccounts:list"), str(_("Ansehen")))
