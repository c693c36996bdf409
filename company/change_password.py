"""Giving oneself a new password; every other session of the user ends."""

from __future__ import annotations

from django.db import transaction

from company.audit import record_changes, snapshot_stored
from company.models import User


def change_password(user: User, password: str) -> None:
    """Stores it and logs that it changed, not what it is."""
    with transaction.atomic():
        before = snapshot_stored(user)
        user.set_password(password)
        user.save(update_fields=["password"])
        record_changes(user, before, snapshot_stored(user))
