"""`manage.py provision FILE.toml [--check]`."""

from __future__ import annotations

from pathlib import Path

from django.core.management import BaseCommand, CommandError, CommandParser

from poststelle.provision.apply import apply_entries
from poststelle.provision.read import ProvisionError, read_file


class Command(BaseCommand):
    help = "Richtet Poststelle nach einer TOML-Datei ein; wiederholbar. --check zeigt nur die Unterschiede."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="nichts ändern, nur zeigen")

    def handle(self, *args: object, **options: object) -> None:
        file, check_only = Path(str(options["file"])), bool(options["check"])
        if not file.is_file():
            raise CommandError(f"{file}: Diese Datei gibt es nicht.")
        try:
            changes = apply_entries(read_file(file), check_only=check_only)
        except ProvisionError as error:
            raise CommandError(f"{file.name}: {error}") from error
        for change in changes:
            self.stdout.write(str(change))
        if check_only:
            self.stdout.write(f"{len(changes)} Unterschiede; nichts wurde geändert.")
            if changes:
                raise SystemExit(2)
        else:
            self.stdout.write(f"Fertig, {len(changes)} Änderungen.")
