"""`manage.py deliver`: one pass over everything due, here and now, without workers."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from company.models import CompanySettings
from mailaccounts.models import MailAccount
from outbox import deliver, sent_copy
from outbox.models import OutgoingMessage
from outbox.settle_uncertain import settle_uncertain
from outbox.sweep import sweep


class Command(BaseCommand):
    help = (
        "Sendet jetzt alle fälligen E-Mails und legt die Kopien im Gesendet-Ordner ab. "
        "Rückgabewert 1, wenn etwas nicht geklappt hat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="E-MAIL", help="nur dieser Account")

    def handle(self, *, account: str | None = None, **options: object) -> None:
        chosen = self._choose(account)
        if CompanySettings.load().sending_paused:
            self.stdout.write("Der Versand ist angehalten (Grundeinstellungen).")
        sweep()
        results = [self._run(one) for one in chosen]
        settled = settle_uncertain()
        if settled:
            self.stdout.write(f"Unklare E-Mails geklärt: {settled}")
        waiting = OutgoingMessage.objects.filter(
            account__in=chosen, state__in=OutgoingMessage.DUE
        ).count()
        self.stdout.write(f"Noch im Postausgang: {waiting}")
        if not all(results):
            raise CommandError("Nicht alles konnte gesendet werden.", returncode=1)

    def _choose(self, email: str | None) -> list[MailAccount]:
        accounts = MailAccount.objects.kept()
        if email is None:
            return list(accounts)
        found = list(accounts.filter(email__iexact=email))
        if not found:
            raise CommandError(f"Es gibt keinen Account mit der Adresse „{email}“.", returncode=2)
        return found

    def _run(self, account: MailAccount) -> bool:
        """Delivers and files for one account. Returns whether all went well."""
        sent = deliver.deliver_account(account.pk)
        copies = sent_copy.file_sent_copies(account.pk)
        if sent.total:
            self.stdout.write(
                f"{account}: {sent.sent} gesendet, {sent.retried} später erneut, "
                f"{sent.failed} fehlgeschlagen, {sent.uncertain} unklar"
            )
        if copies.filed or copies.failed:
            self.stdout.write(
                f"{account}: {copies.filed} Kopien abgelegt, {copies.failed} nicht abgelegt"
            )
        for problem in (sent.problem, copies.problem):
            if problem:
                self.stderr.write(f"{account}: {problem}")
        return not (sent.problem or copies.problem or sent.failed or sent.uncertain)
