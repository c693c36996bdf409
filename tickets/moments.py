"""Times as people say them: „14:02“, „gestern“, „Mo“; and how long somebody has been waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext


def short_moment(moment: datetime, *, now: datetime) -> str:
    """The time today, else the shortest date that is not mistaken."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    age = (today - local.date()).days
    if age == 0:
        return date_format(local, "H:i")
    if age == 1:
        return gettext("gestern")
    if 1 < age < 7:
        return date_format(local, "D")
    return date_format(local, "d.m." if local.year == today.year else "d.m.y")


def full_moment(moment: datetime, *, now: datetime) -> str:
    """„heute, 14:02“, „gestern, 14:02“, „Mo, 23.11.2026, 14:02“."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    day = {0: gettext("heute"), 1: gettext("gestern")}.get((today - local.date()).days)
    return f"{day or date_format(local, 'D, d.m.Y')}, {date_format(local, 'H:i')}"


def day_name(moment: datetime, *, now: datetime) -> str:
    """The heading above the messages of a day."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    day = {0: gettext("Heute"), 1: gettext("Gestern")}.get((today - local.date()).days)
    return day or date_format(local, pgettext("date", "l, j. F Y"))


def span_text(span: timedelta) -> str:
    """„5 Min.“, „3 Std.“, „2 Tage“."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return gettext("%(n)d Min.") % {"n": minutes}
    if minutes < 48 * 60:
        return gettext("%(n)d Std.") % {"n": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(n)d Tag", "%(n)d Tage", days) % {"n": days}
