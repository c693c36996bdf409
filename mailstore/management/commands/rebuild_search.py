"""`manage.py rebuild_search`: makes the search index anew while Poststelle works on."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from mailstore.search_index import (
    count_missing,
    create_index,
    empty_index,
    fill_group,
    remake_index,
)

_GROUP = 500


class Command(BaseCommand):
    help = (
        "Legt den Suchindex aus den gespeicherten E-Mails neu an. Wird der Lauf unterbrochen, "
        "setzt der nächste ihn fort."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-scratch",
            action="store_true",
            help="auch dann von vorn beginnen, wenn ein Lauf unterbrochen wurde (nur SQLite)",
        )

    def handle(self, *, from_scratch: bool, **options: object) -> None:
        create_index(connection)
        if connection.vendor == "postgresql":
            remake_index(connection)
            self.stdout.write("Der Suchindex ist neu angelegt.")
            return
        with transaction.atomic():
            missing = count_missing(connection)
            if from_scratch or not missing:
                empty_index(connection)
                missing = count_missing(connection)
        self._fill(missing)

    def _fill(self, missing: int) -> None:
        """Short transactions: whoever else wants to write waits for one group at most."""
        below, done = 1 << 62, 0
        while True:
            with transaction.atomic():
                added, below = fill_group(connection, below=below, size=_GROUP)
            if not added:
                break
            done += added
            self.stdout.write(f"{done} von {missing} E-Mails")
        self.stdout.write("Der Suchindex ist neu angelegt.")
