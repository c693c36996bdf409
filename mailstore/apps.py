from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class MailstoreConfig(AppConfig):
    name = "mailstore"

    def ready(self) -> None:
        post_migrate.connect(_keep_index, sender=self)


def _keep_index(*, using: str, plan: Sequence[tuple[object, bool]] = (), **_: object) -> None:
    """A later migration that alters the table takes the triggers of SQLite with it."""
    from mailstore.search_index import create_index

    if not any(is_backwards for _migration, is_backwards in plan):
        create_index(connections[using], only_existing=True)
