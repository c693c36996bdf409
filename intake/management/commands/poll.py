from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from intake.poll import PollSummary, poll_account
from mailaccounts.links import release_dead_leases
from mailaccounts.models import MailAccount
from mailaccounts.remedies import explain


class Command(BaseCommand):
    requires_system_checks = ()  # a worker needs no pages
    help = "Holt jetzt einmal E-Mails ab: für alle Accounts oder für einen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", help="E-Mail Adresse oder Nummer des Accounts")

    def handle(self, *args: object, account: str | None = None, **options: object) -> None:
        release_dead_leases()
        failed = 0
        for found in _accounts(account):
            summary = poll_account(found.pk)
            self.stdout.write(f"{found.email}: {_describe(summary)}")
            failed += summary.error is not None
        if failed:
            raise CommandError(f"{failed} Account(s) konnten nicht abgeholt werden.")


def _accounts(wanted: str | None) -> list[MailAccount]:
    accounts = MailAccount.objects.kept()
    if wanted is None:
        return list(accounts.filter(imap_enabled=True))
    found = accounts.filter(email__iexact=wanted)
    if not found and wanted.isdigit():
        found = accounts.filter(pk=int(wanted))
    if not found:
        raise CommandError(f"Einen Account „{wanted}“ gibt es nicht.")
    return list(found)


def _describe(summary: PollSummary) -> str:
    counts = summary.counts
    parts = [
        f"{number} {word}"
        for number, word in (
            (counts.done, "übernommen"),
            (counts.tickets, "neue Tickets"),
            (counts.excluded, "vor „Ab Datum“"),
            (counts.too_large, "zu groß"),
            (counts.failed, "werden erneut versucht"),
            (counts.quarantined, "in Quarantäne"),
            (counts.deleted, "auf dem Server gelöscht"),
        )
        if number
    ]
    if summary.error is not None:
        told = explain(summary.error.kind, summary.error.step)
        parts.append(f"Fehler: {told.happened} {told.remedy}")
    if summary.skipped:
        parts.append(summary.skipped)
    return ", ".join(parts) or "nichts Neues"
