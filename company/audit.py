"""The log of changed settings: what stood there before and what stands there now.

Whoever saves a setting takes a Snapshot before and after, in the transaction that saves, and hands both
to `record_changes`. Secrets are compared by a digest and shown as „geändert“.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import BinaryField, Field, Model
from django.utils import timezone, translation
from django.utils.text import capfirst

from company.models import (
    CompanySettings,
    Employee,
    Project,
    Queue,
    SecondFactor,
    SettingsChange,
    User,
)

Kind = SettingsChange.Kind
_LONGEST = 600  # characters of a text that are kept, around the first difference


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that is compared but never shown."""

    digest: str

    @classmethod
    def of(cls, value: str | bytes) -> Hidden:
        raw = value.encode() if isinstance(value, str) else bytes(value)
        return cls(hashlib.sha256(raw).hexdigest() if raw else "")


Values = Mapping[str, str | Hidden]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An object's settings as a person reads them: field label → value."""

    kind: SettingsChange.Kind
    pk: int
    label: str
    values: Values


def record_changes(
    actor: User | str, before: Snapshot | None, after: Snapshot | None
) -> list[SettingsChange]:
    """Writes one line for every field that differs. No `before`: created; no `after`: deleted.

    `actor` is a text where no user did it: „Einrichtungsdatei“.
    """
    shown = after or before
    if shown is None:
        return []
    lines: list[tuple[str, str, str]] = []
    if before is None:
        lines.append(("", "", "angelegt"))
    if after is None:
        lines.append(("", "gelöscht", ""))
    else:
        old = before.values if before else {}
        for field, value in after.values.items():
            was = old.get(field, Hidden("") if isinstance(value, Hidden) else "")
            if was != value and not (before is None and value in ("", "nein", Hidden(""))):
                lines.append((field, *_shown(was, value)))
    return SettingsChange.objects.bulk_create(
        SettingsChange(
            user=actor if isinstance(actor, User) else None,
            user_name=str(actor)[:200],
            kind=shown.kind,
            object_id=shown.pk,
            label=shown.label[:200],
            field=field[:120],
            before=was,
            after=now,
        )
        for field, was, now in lines
    )


def read_fields(
    row: Model,
    *,
    leave_out: Collection[str] = (),
    hidden: Collection[str] = (),
    labels: Mapping[str, str] | None = None,
) -> dict[str, str | Hidden]:
    """Every field of a row in German: choices by their words, relations by their names."""
    values: dict[str, str | Hidden] = {}
    with translation.override("de"):
        for field in (*row._meta.concrete_fields, *row._meta.many_to_many):
            if field.primary_key or field.name in leave_out:
                continue
            label = (labels or {}).get(field.name) or str(capfirst(field.verbose_name))
            if field.name in hidden or isinstance(field, BinaryField):
                values[label] = Hidden.of(getattr(row, field.name) or "")
            else:
                values[label] = _text_of(row, field)
    return values


_PERSONAL = (  # taste, not rights
    "last_login", "date_joined", "is_superuser", "is_staff", "groups", "user_permissions",
    "language", "theme", "density", "undo_seconds", "shortcuts_enabled", "after_send",
    "mails_failures", "failure_mail_at",
)  # fmt: skip
_OAUTH = {
    "oauth_google_secret": "Google: Geheimnis",
    "oauth_microsoft_secret": "Microsoft 365: Geheimnis",
}


def snapshot(row: CompanySettings | Employee | Project | Queue | User) -> Snapshot:
    """The settings of a row as they are in memory; for its relations, in the database."""
    match row:
        case User():
            values = read_fields(row, leave_out=_PERSONAL, hidden=("password",))
            factor = SecondFactor.objects.filter(user=row)
            values["Anmeldung in zwei Schritten"] = "ja" if factor.exists() else "nein"
            return Snapshot(Kind.USER, row.pk, row.username, values)
        case CompanySettings():
            values = read_fields(row, hidden=_OAUTH, labels=_OAUTH)
            return Snapshot(Kind.COMPANY, row.pk, "Grundeinstellungen", values)
        case Project():
            return Snapshot(Kind.PROJECT, row.pk, str(row), read_fields(row))
        case Queue():
            return Snapshot(Kind.QUEUE, row.pk, str(row), read_fields(row))
        case Employee():
            return Snapshot(Kind.EMPLOYEE, row.pk, str(row), read_fields(row))


def snapshot_stored(row: Model) -> Snapshot | None:
    """The settings of a row as the database has them; None where it is new or not logged."""
    if not isinstance(row, CompanySettings | Employee | Project | Queue | User):
        return None
    stored = row.__class__._default_manager.filter(pk=row.pk).first()
    return snapshot(stored) if stored is not None else None


def _text_of(row: Model, field: Field[object, object]) -> str:
    if field.many_to_many:
        return (
            ", ".join(sorted(str(one) for one in getattr(row, field.name).all())) if row.pk else ""
        )
    value = getattr(row, field.name)
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if value is None:
        return ""
    if isinstance(value, date):  # datetime is one, too
        moment = timezone.localtime(value) if isinstance(value, datetime) else value
        return f"{moment:%d.%m.%Y %H:%M}" if isinstance(value, datetime) else f"{moment:%d.%m.%Y}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    display = getattr(row, f"get_{field.name}_display", None)
    return str(display() if display else value)


def _shown(before: str | Hidden, after: str | Hidden) -> tuple[str, str]:
    if isinstance(before, Hidden) or isinstance(after, Hidden):
        is_gone = isinstance(after, Hidden) and not after.digest
        return "", "entfernt" if is_gone else "geändert"
    if max(len(before), len(after)) <= _LONGEST:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    first = next((at for at, (a, b) in pairs if a != b), min(len(before), len(after)))
    start = max(0, first - _LONGEST // 4)
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(text: str, start: int) -> str:
    part = text[start : start + _LONGEST]
    return f"{'…' if start and part else ''}{part}{'…' if len(text) > start + _LONGEST else ''}"
