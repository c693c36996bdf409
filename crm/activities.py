"""Noting a call or a note, changing it, taking it back and bringing it back; nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format

from company.models import Address, User
from crm.models import Activity, ActivityChange


@dataclass(frozen=True, slots=True)
class ActivityContent:
    """What a person wrote; `direction` and `minutes` concern calls alone."""

    kind: Activity.Kind
    text: str
    happened_at: datetime
    direction: str = ""
    person: str = ""
    minutes: int | None = None
    is_pinned: bool = False


def add_activity(
    *, address: Address, author: User, content: ActivityContent, once_key: str
) -> Activity:
    """Notes it; the same `once_key` gives the row that exists."""
    activity = Activity(address=address, author=author, once_key=once_key)
    _fill(activity, content)
    try:
        with transaction.atomic():
            activity.save(force_insert=True)
    except IntegrityError:  # the second half of a double click
        return Activity.objects.get(once_key=once_key)
    return activity


def change_activity(*, activity: Activity, actor: User, content: ActivityContent) -> None:
    """Writes it anew and keeps what it said before."""
    before = describe(activity)
    _fill(activity, content)
    if describe(activity) == before:
        return
    activity.edited_at = timezone.now()
    with transaction.atomic():
        _keep(activity, actor, ActivityChange.Kind.EDITED, before)
        activity.save(
            update_fields=[
                "text",
                "happened_at",
                "direction",
                "person",
                "minutes",
                "is_pinned",
                "edited_at",
            ]
        )


def pin_activity(*, activity: Activity, is_pinned: bool) -> None:
    """Keeps it above the timeline, or no longer."""
    Activity.objects.filter(pk=activity.pk).update(is_pinned=is_pinned)
    activity.is_pinned = is_pinned


def delete_activity(*, activity: Activity, actor: User) -> bool:
    """Takes it back: nobody sees it until it is restored. False if it was taken back before."""
    now = timezone.now()
    with transaction.atomic():
        deleted = Activity.objects.filter(pk=activity.pk, deleted_at=None).update(deleted_at=now)
        if deleted:
            _keep(activity, actor, ActivityChange.Kind.DELETED, describe(activity))
    return bool(deleted)


def restore_activity(*, activity: Activity, actor: User) -> bool:
    """Brings it back. False if it is there."""
    with transaction.atomic():
        restored = Activity.objects.filter(pk=activity.pk, deleted_at__isnull=False).update(
            deleted_at=None
        )
        if restored:
            _keep(activity, actor, ActivityChange.Kind.RESTORED, "")
    return bool(restored)


def describe(activity: Activity) -> str:
    """All it says, for the record: in German, as it was written."""
    when = date_format(timezone.localtime(activity.happened_at), "d.m.Y H:i")
    facts = [when]
    if activity.is_call:
        facts.append("eingehend" if activity.direction == Activity.Direction.IN else "ausgehend")
    if activity.person:
        facts.append(activity.person)
    if activity.minutes:
        facts.append(f"{activity.minutes} Min.")
    return f"{' · '.join(facts)}\n{activity.text}"


def _fill(activity: Activity, content: ActivityContent) -> None:
    activity.kind = content.kind
    activity.text = content.text
    activity.happened_at = content.happened_at
    activity.direction = content.direction
    activity.person = content.person
    activity.minutes = content.minutes
    activity.is_pinned = content.is_pinned


def _keep(activity: Activity, actor: User, kind: ActivityChange.Kind, before: str) -> None:
    ActivityChange.objects.create(activity=activity, changed_by=actor, kind=kind, before=before)
