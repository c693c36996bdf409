from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from intake.import_mail import ImportRefused, ImportSummary, import_mail
from intake.mail_files import NoMailFile, source_length
from mailaccounts.models import MailAccount, MailFolder

_WIDTH = 30


class Command(BaseCommand):
    requires_system_checks = ()  # a worker needs no pages
    help = (
        "Importiert E-Mails aus einer mbox-Datei oder einem Maildir. Abgebrochen oder wiederholt: "
        "Was schon da ist, wird übersprungen. Beantwortet und weitergeleitet wird nichts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="DATEI", help="mbox-Datei oder Maildir")
        parser.add_argument(
            "account", metavar="ACCOUNT", help="E-Mail Adresse oder Nummer des Accounts"
        )
        parser.add_argument(
            "--folder", default="Import", help="unter welchem Namen sie geführt werden (Import)"
        )
        parser.add_argument(
            "--archive-only", action="store_true", help="nur ins Archiv, keine Tickets"
        )

    def handle(
        self,
        *args: object,
        path: Path,
        account: str,
        folder: str,
        archive_only: bool,
        **options: object,
    ) -> None:
        purpose = MailFolder.Purpose.ARCHIVE if archive_only else MailFolder.Purpose.TICKETS
        if not folder.strip() or len(folder) > 200:
            raise CommandError("Der Name des Ordners ist leer oder zu lang.")
        try:
            bar = ProgressBar(self.stdout, source_length(path))
            summary = import_mail(
                path, _account(account), folder_name=folder, purpose=purpose, tell=bar.show
            )
            bar.finish()
        except (ImportRefused, NoMailFile) as error:
            raise CommandError(str(error)) from error
        except FileNotFoundError as error:
            raise CommandError(f"„{path}“ gibt es nicht.") from error
        except PermissionError as error:
            raise CommandError(f"„{error.filename}“ darf nicht gelesen werden.") from error
        self.stdout.write(_describe(summary))


class ProgressBar:
    """One line that is drawn anew; where that cannot be seen, a line for every tenth."""

    def __init__(self, out: OutputWrapper, length: int) -> None:
        self._out, self._length, self._shown = out, max(1, length), 0

    def show(self, position: int) -> None:
        percent = min(100, position * 100 // self._length)
        if self._out.isatty():
            full = percent * _WIDTH // 100
            bar = "█" * full + "·" * (_WIDTH - full)
            self._out.write(f"\r{bar} {percent} %", ending="")
            self._out.flush()
        elif percent // 10 > self._shown // 10:
            self._out.write(f"{percent // 10 * 10} %")
        self._shown = percent

    def finish(self) -> None:
        if self._out.isatty() and self._shown:
            self._out.write("")


def _account(wanted: str) -> MailAccount:
    accounts = MailAccount.objects.kept()
    found = accounts.filter(email__iexact=wanted).first()
    if found is None and wanted.isdecimal():
        found = accounts.filter(pk=int(wanted)).first()
    if found is None:
        raise CommandError(f"Einen Account „{wanted}“ gibt es nicht.")
    return found


def _describe(summary: ImportSummary) -> str:
    counts = summary.counts
    parts = [f"{counts.done} übernommen"]
    parts += [
        f"{number} {word}"
        for number, word in (
            (counts.tickets, "neue Tickets"),
            (summary.known, "schon vorhanden"),
            (counts.too_large, "zu groß"),
            (counts.quarantined, "in Quarantäne"),
        )
        if number
    ]
    mails = "1 E-Mail" if summary.read == 1 else f"{summary.read} E-Mails"
    return f"{mails} gelesen: {', '.join(parts)}."
