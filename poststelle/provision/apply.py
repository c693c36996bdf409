"""Applying a provisioning file: creates or updates, all or nothing, and says what changed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from company.audit import Snapshot, record_changes, snapshot_stored
from company.models import CompanySettings, User
from company.secrets import SecretUnusable, seal, unseal
from mailaccounts.account_audit import account_snapshot
from mailaccounts.connect import imap_binding, smtp_binding
from mailaccounts.links import wake
from mailaccounts.models import AllowedSender, MailAccount, MailFolder
from poststelle.provision.oauth_registrations import PROVIDERS, set_oauth_app
from poststelle.provision.read import Entry, ProvisionError, Value
from poststelle.provision.rules import set_rule_parts
from poststelle.provision.spec import Reference
from tickets.models import Rule


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the file and the database; secrets are never shown."""

    subject: str  # "accounts support@firma.de"
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.key:
            return f"{self.subject}: {self.after}"
        return f"{self.subject}: {self.key}: {self.before or '–'} → {self.after or '–'}"


class _Undo(Exception):
    """Rolls the transaction of a dry run back."""


def apply_entries(entries: tuple[Entry, ...], *, check_only: bool = False) -> list[Change]:
    """Brings the database into the state of the file; with `check_only` only says what would change.

    One transaction: a bad value leaves everything as it was. Raises ProvisionError.
    """
    changes: list[Change] = []
    try:
        with transaction.atomic(durable=True):
            for entry in entries:
                changes.extend(_apply_logged(entry))
            if check_only:
                raise _Undo
    except _Undo:
        pass
    return changes


def _apply_logged(entry: Entry) -> list[Change]:
    target = _find(entry)
    before = _snapshot(target)
    changes = _apply(entry, target)
    record_changes("Einrichtungsdatei", before, _snapshot(target))
    return changes


def _snapshot(target: models.Model) -> Snapshot | None:
    """The settings as the database has them; None for what is new or not logged."""
    if target.pk is None:
        return None
    if isinstance(target, MailAccount):
        return account_snapshot(target.pk)
    return snapshot_stored(target)


def _apply(entry: Entry, target: models.Model) -> list[Change]:
    subject = f"{entry.block.name} {_identity(entry)}".strip()
    is_new = target.pk is None or target._state.adding
    changes = [Change(subject, "", "", _("wird angelegt"))] if is_new else []
    own_parts = [p for p in entry.parts if p.block.model is entry.block.model]
    merged = [entry, *own_parts]
    told: list[Change] = []
    for part in merged:
        if part.block.name not in PROVIDERS:
            told.extend(_set_fields(part, target, subject))
    _save(entry, target, merged)
    if isinstance(target, MailAccount):
        told.extend(_set_account_secrets(own_parts, target, subject))
    if isinstance(target, CompanySettings):
        for part in own_parts:
            named = f"{subject} {part.block.name}"
            told.extend(Change(named, key, "***", "***") for key in set_oauth_app(part))
    for part in merged:
        told.extend(_set_collections(part, target, subject))
    if not is_new:
        changes.extend(told)
        if told and isinstance(target, MailAccount):
            wake(target.pk)
    if isinstance(target, MailAccount) and not target.folders.exists():
        MailFolder.objects.create(account=target, name="INBOX")
    for part in entry.parts:
        if part not in own_parts:
            changes.extend(_apply_below(part, target, subject, told=not is_new))
    return changes


def _identity(entry: Entry) -> str:
    return str(entry.values.get(entry.block.identity_key, ""))


def _find(entry: Entry) -> models.Model:
    """The object the entry describes: an existing one, or a new one not yet saved."""
    model = entry.block.model
    if model is CompanySettings:
        return CompanySettings.load()
    found = model._default_manager.filter(**{f"{entry.block.identity}__iexact": _identity(entry)})
    if model is MailAccount:
        found = found.filter(archived_at__isnull=True)
    return found.first() or model()


def _set_fields(entry: Entry, target: models.Model, subject: str) -> list[Change]:
    """Plain values and single references; collections and secrets come after saving."""
    changes = []
    for key, name in entry.block.fields.items():
        if key not in entry.values or name in _LATER:
            continue
        value = _converted(entry, key, target, name)
        before = getattr(target, name)
        if name == "password" and isinstance(target, User):
            if not target.pk or not target.check_password(str(value)):
                target.set_password(str(value))
                changes.append(Change(subject, key, "***", "***"))
        elif before != value:
            setattr(target, name, value)
            changes.append(Change(subject, key, _shown(before), _shown(value)))
    for key, (name, reference) in entry.block.references.items():
        if key in entry.values and not reference.is_many:
            wanted = _referenced(entry, key, reference)
            if getattr(target, f"{name}_id") != (wanted.pk if wanted else None):
                before = getattr(target, name, None)
                changes.append(Change(subject, key, _shown(before), _shown(wanted)))
                setattr(target, name, wanted)
    return changes


_LATER = {"imap_secret", "smtp_secret", "folders", "allowed_senders", "conditions", "tags"}


def _converted(entry: Entry, key: str, target: models.Model, name: str) -> Value:
    """The value as the model's field knows it."""
    value = entry.values[key]
    if name == "paused_at":
        return (getattr(target, name) or timezone.now()) if value else None
    try:
        model_field = target._meta.get_field(name)
    except FieldDoesNotExist:
        return value
    if isinstance(model_field, models.DateField) and value in ("", "alle"):
        return None
    if isinstance(model_field, models.CharField | models.TextField) and not isinstance(value, str):
        raise _error(entry, key, _("hier wird ein Text in Anführungszeichen erwartet."))
    if isinstance(model_field, models.BooleanField) and not isinstance(value, bool):
        raise _error(entry, key, _("hier wird true oder false erwartet."))
    try:
        return model_field.to_python(value)  # type: ignore[union-attr]
    except ValidationError as error:
        raise _error(entry, key, " ".join(error.messages)) from error


def _referenced(entry: Entry, key: str, reference: Reference) -> models.Model | None:
    value = entry.values[key]
    return _lookup(entry, key, reference, str(value)) if value else None


def _lookup(entry: Entry, key: str, reference: Reference, value: str) -> models.Model:
    found = reference.model._default_manager.filter(**{f"{reference.by}__iexact": value}).first()
    if found is None:
        kind = reference.model._meta.verbose_name
        raise _error(entry, key, _("%(kind)s „%(value)s“ gibt es nicht.") % locals())
    return found


def _save(entry: Entry, target: models.Model, parts: list[Entry]) -> None:
    if isinstance(target, User) and not target.password:
        target.set_unusable_password()
    try:
        target.full_clean()
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            for part in parts:
                key = next((k for k, f in part.block.fields.items() if f == name), "")
                if key:
                    raise _error(part, key, " ".join(messages)) from error
        raise ProvisionError(entry.line, entry.block.name, " ".join(error.messages)) from error
    target.save()


def _set_account_secrets(parts: list[Entry], account: MailAccount, subject: str) -> list[Change]:
    """Seals passwords for the login as it is now; the same password is not sealed anew."""
    changes = []
    for part in parts:
        name = part.block.fields.get("password", "")
        if name not in {"imap_secret", "smtp_secret"} or "password" not in part.values:
            continue
        bound_to = imap_binding(account) if name == "imap_secret" else smtp_binding(account)
        secret = str(part.values["password"])
        if _unsealed(getattr(account, name), bound_to) != secret:
            setattr(account, name, seal(secret, bound_to))
            account.save(update_fields=[name])
            changes.append(Change(subject, f"{part.block.name}.password", "***", "***"))
    return changes


def _unsealed(sealed: str, bound_to: str) -> str | None:
    try:
        return unseal(sealed, bound_to)
    except SecretUnusable:
        return None


def _set_collections(entry: Entry, target: models.Model, subject: str) -> list[Change]:
    changes = []
    if isinstance(target, MailAccount):
        if entry.block.name == "imap" and "folders" in entry.values:
            changes.extend(_set_folders(entry, target, subject))
        if "allowed_senders" in entry.values:
            changes.extend(_set_allowed_senders(entry, target, subject))
    if isinstance(target, Rule):
        changes.extend(Change(subject, *parts) for parts in set_rule_parts(entry, target))
    for key, (name, reference) in entry.block.references.items():
        if key in entry.values and reference.is_many:
            values = entry.values[key]
            if not isinstance(values, list):
                raise _error(entry, key, _('hier wird eine Liste erwartet: ["…", "…"].'))
            wanted = [_lookup(entry, key, reference, str(value)) for value in values]
            relation = getattr(target, name)
            before = set(relation.all())
            if before != set(wanted):
                relation.set(wanted)
                changes.append(Change(subject, key, _listed(before), _listed(wanted)))
    return changes


def _set_folders(entry: Entry, account: MailAccount, subject: str) -> list[Change]:
    """`folders = ["INBOX", {name = "Gesendet", purpose = "archive"}]`; others are switched off."""
    values = entry.values["folders"]
    wanted: dict[str, str] = {}
    for value in values if isinstance(values, list) else [values]:
        folder = value if isinstance(value, dict) else {"name": value}
        purpose = str(folder.get("purpose", MailFolder.Purpose.TICKETS))
        if purpose not in MailFolder.Purpose.values or not folder.get("name"):
            raise _error(
                entry,
                "folders",
                _('erwartet wird {name = "…", purpose = "tickets" oder "archive"}.'),
            )
        wanted[str(folder["name"])] = purpose
    before = {f.name: f.purpose for f in account.folders.filter(is_active=True)}
    if before == wanted:
        return []
    for name, purpose in wanted.items():
        MailFolder.objects.update_or_create(
            account=account, name=name, defaults={"purpose": purpose, "is_active": True}
        )
    account.folders.exclude(name__in=wanted).update(is_active=False)
    return [Change(subject, "imap.folders", _listed(before), _listed(wanted))]


def _set_allowed_senders(entry: Entry, account: MailAccount, subject: str) -> list[Change]:
    values = entry.values["allowed_senders"]
    if not isinstance(values, list):
        raise _error(entry, "allowed_senders", _('hier wird eine Liste erwartet: ["…", "…"].'))
    wanted = {str(value).strip().lower() for value in values}
    if bad := [pattern for pattern in sorted(wanted) if "@" not in pattern]:
        raise _error(entry, "allowed_senders", _("„%s“ ist weder Adresse noch @domain.") % bad[0])
    before = set(account.allowed_senders.values_list("pattern", flat=True))
    if before == wanted:
        return []
    account.allowed_senders.exclude(pattern__in=wanted).delete()
    AllowedSender.objects.bulk_create(
        AllowedSender(account=account, pattern=pattern) for pattern in sorted(wanted - before)
    )
    return [Change(subject, "smtp.allowed_senders", _listed(before), _listed(wanted))]


def _apply_below(entry: Entry, parent: models.Model, subject: str, *, told: bool) -> list[Change]:
    """Objects that hang on the entry: an address's contacts, an account's autoresponder."""
    model = entry.block.model
    link = "account" if isinstance(parent, MailAccount) else "address"
    lookup = {link: parent}
    if entry.block.identity != link:
        lookup[f"{entry.block.identity}__iexact"] = _identity(entry)  # type: ignore[assignment]
    target = model._default_manager.filter(**lookup).first() or model(**{link: parent})
    name = f"{subject} {entry.block.name} {_identity(entry)}".strip()
    is_new = target.pk is None
    changes = _set_fields(entry, target, name)
    _save(entry, target, [entry])
    if is_new:
        return [Change(name, "", "", _("wird angelegt"))] if told else []
    return changes


def _error(entry: Entry, key: str, reason: str) -> ProvisionError:
    return ProvisionError(entry.line_of(key), f"{entry.block.name}.{key}", reason)


def _listed(values: object) -> str:
    return ", ".join(sorted(str(value) for value in values))  # type: ignore[attr-defined]


def _shown(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return f"{value:%d.%m.%Y %H:%M}"
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
