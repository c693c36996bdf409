"""`manage.py serve`: the whole mail room in one process."""

from __future__ import annotations

import logging
import signal
import threading

from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from poststelle.embedded import Embedded


class Command(BaseCommand):
    help = "Startet Poststelle: Web, Abholen, Versand und Zeitplan in einem Prozess."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: object, **options: object) -> None:
        host, port = str(options["host"]), int(str(options["port"]))
        self.stdout.write("Datenbank wird vorbereitet …")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        try:
            embedded = Embedded(host=host, port=port)
        except OSError as error:
            raise CommandError(
                f"Port {port} ist belegt ({error.strerror}). Wählen Sie einen anderen: "
                f"make run PORT={port + 1}"
            ) from error

        def leave(_signal: int, _frame: object) -> None:
            self.stdout.write("\nWird beendet, laufende Arbeit darf noch fertig werden …")
            threading.Thread(target=embedded.stop).start()

        signal.signal(signal.SIGINT, leave)
        signal.signal(signal.SIGTERM, leave)
        embedded.run(
            ready=lambda: self.stdout.write(
                f"Poststelle läuft: http://{host}:{port}/  (beenden mit Strg+C)"
            )
        )
