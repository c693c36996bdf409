"""Sealing every stored secret anew with the newest key, so that the old key can be thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Model

from company.models import CompanySettings, SecondFactor
from company.secrets import SecretUnusable, is_newest, rotate
from mailaccounts.models import MailAccount, OAuthGrant

# Every field that holds a sealed value.
SEALED: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (CompanySettings, ("oauth_google_secret", "oauth_microsoft_secret")),
    (MailAccount, ("imap_secret", "smtp_secret")),
    (OAuthGrant, ("access_secret", "refresh_secret")),
    (SecondFactor, ("secret",)),
)


@dataclass(slots=True)
class Rotation:
    """What became of the secrets of one field."""

    name: str
    rotated: int = 0
    already: int = 0
    changed: int = 0  # by somebody else in between: sealed with the newest key anyway
    unreadable: int = 0


def rotate_secrets() -> list[Rotation]:
    """Rotates row by row. May be stopped at any time and run again: what is done is left alone."""
    return [_rotate(model, name) for model, names in SEALED for name in names]


def _rotate(model: type[Model], name: str) -> Rotation:
    result = Rotation(f"{model._meta.object_name}.{name}")
    rows = model._default_manager.exclude(**{name: ""}).order_by("pk")
    for pk, sealed in rows.values_list("pk", name).iterator(chunk_size=500):
        if is_newest(sealed):
            result.already += 1
            continue
        try:
            fresh = rotate(sealed)
        except SecretUnusable:
            result.unreadable += 1
            continue
        # Only if it is still the value that was read: somebody may be saving another one.
        unchanged = model._default_manager.filter(pk=pk, **{name: sealed})
        if unchanged.update(**{name: fresh}):
            result.rotated += 1
        else:
            result.changed += 1
    return result
