"""„Eingang“ as a list: what was not taken over, and why, in four tabs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.template.defaultfilters import date as format_date
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.models import User
from intake import ledger
from intake.mail_files import header_block
from intake.models import IntakeItem
from intake.set_aside import LISTED
from mailaccounts.models import MailAccount
from mailcore.parse import parse
from mailstore.blobs import get_blob_start

PER_PAGE = 50
MOST = 10_000  # more are not counted, nor changed at once
_HEADER_LIMIT = 256 << 10
State = IntakeItem.State
TABS: dict[str, tuple[State, str | Promise]] = {
    "quarantaene": (State.QUARANTINED, gettext_lazy("Quarantäne")),
    "zu-gross": (State.TOO_LARGE, gettext_lazy("Zu groß")),
    "vor-ab-datum": (State.EXCLUDED, gettext_lazy("Vor „Ab Datum“")),
    "ignoriert": (State.IGNORED, gettext_lazy("Ignoriert")),
}
_PLAIN = (ledger.CRASHED, ledger.NOT_HANDED_OUT)


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """A message that was not taken over. `is_readable`: whether the user may read the account's mail."""

    pk: int
    account: str
    folder: str
    when: datetime
    size: int
    subject: str
    sender: str
    reason: str
    attempts: int
    state: str
    is_readable: bool
    has_whole_mail: bool
    retry_label: str  # empty: nothing to fetch it from

    @property
    def is_markable(self) -> bool:
        """Whether there is anything to do with it together with others."""
        return bool(self.retry_label) or (self.has_whole_mail and self.is_readable)


class IncomingPaginator(Paginator[IntakeItem]):
    @cached_property
    def count(self) -> int:
        return cast("QuerySet[IntakeItem]", self.object_list)[:MOST].count()


def items_of(key: str) -> QuerySet[IntakeItem]:
    """The messages of a tab, newest first."""
    items = IntakeItem.objects.filter(state=TABS[key][0]).order_by("-internal_date", "-pk")
    return items.select_related("account", "folder")


def count_tabs(current: str) -> list[Tab]:
    counted = IntakeItem.objects.filter(state__in=LISTED).order_by().values("state")
    counts = dict(counted.annotate(number=Count("pk")).values_list("state", "number"))
    return [
        Tab(key, str(label), counts.get(state, 0), key == current)
        for key, (state, label) in TABS.items()
    ]


def make_rows(items: Iterable[IntakeItem], user: User) -> list[IncomingRow]:
    """Lines for items with `account` and `folder` loaded; one query for all."""
    items = list(items)
    accounts = {item.account_id for item in items}
    visible = MailAccount.objects.mail_visible_to(user).filter(pk__in=accounts)
    readable = set(visible.values_list("pk", flat=True))
    return [_row(item, item.account_id in readable) for item in items]


def read_header(item: IntakeItem) -> bytes:
    """The header block of the kept bytes, without reading the rest; empty where none are kept."""
    if not item.blob:
        return b""
    try:
        return header_block(get_blob_start(item.blob, _HEADER_LIMIT))
    except (FileNotFoundError, ValueError):
        return b""


def _row(item: IntakeItem, is_readable: bool) -> IncomingRow:
    header = read_header(item) if is_readable else b""
    parsed = parse(header) if header else None
    return IncomingRow(
        pk=item.pk,
        account=str(item.account),
        folder=item.folder.name,
        when=item.internal_date,
        size=item.size,
        subject=parsed.subject if parsed else "",
        sender=str(parsed.from_[0]) if parsed and parsed.from_ else "",
        reason=_reason(item),
        attempts=item.attempts,
        state=item.state,
        is_readable=is_readable,
        has_whole_mail=item.has_whole_mail,
        retry_label=_retry_label(item),
    )


def _reason(item: IntakeItem) -> str:
    if item.state == State.QUARANTINED:
        if item.error in _PLAIN:
            return item.error
        return _("Beim Verarbeiten trat dreimal ein Fehler auf.")
    if item.state == State.TOO_LARGE:
        limit = filesizeformat(settings.MAX_MESSAGE_BYTES)
        return _("Größer als die Grenze von %(limit)s.") % {"limit": limit}
    if item.state == State.EXCLUDED:
        if item.account.since_date is None:
            return _("Wird beim nächsten Abholen nachgeholt.")
        day = format_date(item.account.since_date, "d.m.Y")
        return _("Vor „Ab Datum“ (%(day)s) eingegangen.") % {"day": day}
    if item.state == State.IGNORED:
        return _("Von Hand ignoriert.")
    return item.get_state_display()


def _retry_label(item: IntakeItem) -> str:
    if item.state not in LISTED or item.account.archived_at is not None:
        return ""
    if item.has_whole_mail:
        return _("Erneut versuchen")
    return "" if item.is_imported else _("Trotzdem abrufen")
