"""An account in the log of changes: its row and what its panels keep beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation
from django.utils.module_loading import import_string

from company.audit import Snapshot, read_fields, record_changes
from company.models import SettingsChange, User
from mailaccounts.models import MailAccount

_LEFT_OUT = ("created_at", "updated_at", "employees")  # the panel of the employees tells them
_LABELS = {
    "imap_secret": "IMAP: Passwort",
    "imap_encryption": "IMAP: Verschlüsselung",
    "imap_auth": "IMAP: Anmeldung",
    "smtp_secret": "SMTP: Passwort",
    "smtp_username": "SMTP: Benutzername",
    "paused_at": "Pausiert seit",
    "archived_at": "Gelöscht am",
}


def account_snapshot(account_id: int) -> Snapshot | None:
    """The account as the database has it, deleted ones too; None where there is none."""
    related = ("project", "queue", "oauth_grant")
    account = MailAccount.objects.select_related(*related).filter(pk=account_id).first()
    if account is None:
        return None
    values = read_fields(
        account, leave_out=_LEFT_OUT, hidden=("imap_secret", "smtp_secret"), labels=_LABELS
    )
    with translation.override("de"):
        for path in settings.ACCOUNT_PANELS:
            values |= import_string(path).kept_beside(account)
    return Snapshot(SettingsChange.Kind.ACCOUNT, account.pk, str(account), values)


@contextmanager
def logged(actor: User | str, account: MailAccount) -> Iterator[None]:
    """Logs what the block changes about the account, and whose place as the standard it takes.

    To be used inside the transaction that changes it.
    """
    before = account_snapshot(account.pk) if account.pk else None
    standard = MailAccount.objects.filter(is_default=True)
    former = set(standard.exclude(pk=account.pk))
    yield
    record_changes(actor, before, account_snapshot(account.pk))
    others = set(standard.exclude(pk=account.pk))
    for one in former - others:
        record_changes(actor, _standard(one, "ja"), _standard(one, "nein"))
    for one in others - former:
        record_changes(actor, _standard(one, "nein"), _standard(one, "ja"))


def _standard(account: MailAccount, value: str) -> Snapshot:
    kind = SettingsChange.Kind.ACCOUNT
    return Snapshot(kind, account.pk, str(account), {"Standard-Account": value})
