from __future__ import annotations

import signal
import threading

from django.core.management.base import BaseCommand

from intake.watch import Watcher


class Command(BaseCommand):
    requires_system_checks = ()  # a worker needs no pages
    help = "Hält Verbindungen zu allen Postfächern und meldet neue E-Mails sofort (IMAP IDLE)."

    def handle(self, *args: object, **options: object) -> None:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        watcher = Watcher()
        watcher.start()
        self.stdout.write("Wacht über die Postfächer. Beenden mit Strg+C.")
        ended.wait()
        watcher.stop()
