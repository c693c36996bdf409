"""Calls and notes of an address, for its timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from company.models import User
from company.rights import Right
from company.timeline import Entry, Kind, Search, Strand
from crm.models import Activity


def strands(search: Search) -> Iterable[Strand]:
    found = Activity.objects.visible_to(search.user).filter(address=search.address)
    for word in search.words.split():
        found = found.filter(text__icontains=word) | found.filter(person__icontains=word)
    load: Callable[[Sequence[int]], Iterable[Entry]] = partial(load_activities, user=search.user)
    calls, notes = found.filter(kind=Activity.Kind.CALL), found.filter(kind=Activity.Kind.NOTE)
    yield Strand("call", Kind.PHONE, calls, "happened_at", load)
    yield Strand("note", Kind.NOTE, notes, "happened_at", load)


def load_activities(pks: Sequence[int], *, user: User) -> list[Entry]:
    found = Activity.objects.filter(pk__in=pks).select_related("author")
    return [_entry(one, user) for one in found]


def _entry(one: Activity, user: User) -> Entry:
    is_own = one.author_id == user.pk and user.may(Right.EDIT_ADDRESSES)

    def url(name: str) -> str:
        return reverse(f"crm:{name}", args=[one.address_id, one.pk])

    return Entry(
        pk=one.pk,
        icon="phone" if one.is_call else "sticky-note",
        tone="violet" if one.is_call else "warn",
        word=_call_word(one) if one.is_call else _("Notiz"),
        who=_who(one),
        title="",
        url="",
        text=one.text,
        is_pinned=one.is_pinned,
        edited=_moment(one) if one.edited_at else "",
        history_url=url("activity_history") if one.edited_at else "",
        edit_url=url("activity_edit") if is_own else "",
        delete_url=url("activity_delete") if is_own else "",
        pin_url=url("activity_pin") if is_own and not one.is_call else "",
    )


def _call_word(one: Activity) -> str:
    incoming = one.direction == Activity.Direction.IN
    word = _("Anruf erhalten") if incoming else _("Angerufen")
    if not one.minutes:
        return word
    duration = ngettext("%(n)d Minute", "%(n)d Minuten", one.minutes) % {"n": one.minutes}
    return f"{word}, {duration}"


def _who(one: Activity) -> str:
    author = str(one.author or "")
    if not one.person:
        return author
    is_incoming = one.direction == Activity.Direction.IN
    pair = (one.person, author) if is_incoming else (author, one.person)
    return " → ".join(name for name in pair if name)


def _moment(one: Activity) -> str:
    return date_format(timezone.localtime(one.edited_at), "d.m.Y H:i") if one.edited_at else ""
