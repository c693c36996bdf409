"""manage.py rotate_secrets: seals every stored password and token anew with the newest key."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand

from poststelle.rotate_secrets import rotate_secrets


class Command(BaseCommand):
    help = "Versiegelt alle gespeicherten Passwörter und Zugänge neu mit dem neuesten Schlüssel."

    def handle(self, *args: object, **options: object) -> None:
        results = rotate_secrets()
        for one in results:
            self.stdout.write(
                f"{one.name}: {one.rotated} neu versiegelt, {one.already} waren es schon, "
                f"{one.changed} inzwischen geändert, {one.unreadable} nicht lesbar"
            )
        if sum(one.unreadable for one in results):
            self.stderr.write(
                "Nicht lesbare Werte sind mit einem Schlüssel versiegelt, der fehlt. Nehmen Sie ihn "
                "in POSTSTELLE_SECRETS_KEYS auf, oder geben Sie diese Passwörter neu ein."
            )
            sys.exit(1)
