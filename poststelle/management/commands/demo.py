"""`manage.py demo`: the whole mail room with a company and living mail traffic."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from intake.models import IntakeItem
from poststelle.demo.company_data import set_up_company

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Startet Poststelle mit Beispielfirma, Postfächern und laufendem Mailverkehr."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=HOST)
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write("Beispielfirma wird eingerichtet …")
        call_command("migrate", verbosity=0)
        imap_port, smtp_port, customer_port = (_free_port() for _ in range(3))
        set_up_company(imap_port=imap_port, smtp_port=smtp_port)
        self.stdout.write("Mailserver der Demo wird gestartet …")
        server = _start_mail_server(
            imap_port, smtp_port, customer_port, fill=not IntakeItem.objects.exists()
        )
        self.stdout.write(
            f"\n  Anmelden:        admin, max (Mitarbeiter), petra (Support) oder pruefer (Prüfer)"
            f"\n  Passwort:        demo"
            f"\n  Kundenpostfach:  http://{HOST}:{customer_port}/  (als Kunde lesen und antworten)\n"
        )
        try:
            call_command("serve", host=options["host"], port=options["port"])
        finally:
            server.terminate()


def _start_mail_server(
    imap_port: int, smtp_port: int, customer_port: int, *, fill: bool
) -> subprocess.Popen[bytes]:
    """The server ends when our end of its standard input closes, even if we are killed."""
    command = [
        sys.executable, "-m", "poststelle.demo.mail_server",
        f"--imap-port={imap_port}", f"--smtp-port={smtp_port}", f"--customer-port={customer_port}",
    ]  # fmt: skip
    server = subprocess.Popen(  # noqa: S603
        [*command, "--fill"] if fill else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    if server.stdout is None or server.stdout.readline().strip() != b"ready":
        raise CommandError("Der Mailserver der Demo ist nicht gestartet.")
    return server


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])
