"""„Einrichtung“: the way from an empty installation to the first mail, as a list with ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from company.models import CompanySettings, Queue
from company.rights import Right, needs
from mailaccounts.models import MailAccount
from outbox.models import OutgoingMessage

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class SetupStep:
    title: _StrOrPromise
    text: _StrOrPromise
    url: str
    action: _StrOrPromise
    is_done: bool


@needs(Right.ADMINISTER)
def setup(request: HttpRequest) -> HttpResponse:
    steps = _steps()
    following = next((number for number, step in enumerate(steps) if not step.is_done), None)
    context = {"steps": steps, "following": following, "is_ready": following is None}
    return render(request, "setup.html", context)


def _steps() -> tuple[SetupStep, ...]:
    company = CompanySettings.load()
    accounts = MailAccount.objects.kept()
    has_account = accounts.exists()
    tests = OutgoingMessage.objects.filter(origin=OutgoingMessage.Origin.TEST)
    return (
        SetupStep(
            _("Grundeinstellungen"),
            _("Name, Anschrift und Signatur Ihrer Firma – sie stehen auf E-Mails und Belegen."),
            reverse("company:settings"),
            _("Grundeinstellungen öffnen"),
            bool(company.name and company.city and company.signature_html),
        ),
        SetupStep(
            _("E-Mail Account"),
            _("Ein Postfach, aus dem Poststelle E-Mails abholt und über das sie versendet."),
            reverse("mailaccounts:list" if has_account else "mailaccounts:new"),
            _("Accounts öffnen") if has_account else _("Account anlegen"),
            has_account,
        ),
        SetupStep(
            _("Warteschlange"),
            _("Ordnen Sie dem Account eine Warteschlange zu: Dort warten die neuen Tickets."),
            reverse("company:queues") if Queue.objects.exists() else reverse("company:queues_new"),
            _("Warteschlangen öffnen"),
            accounts.filter(tickets_enabled=True, queue__isnull=False).exists(),
        ),
        SetupStep(
            _("Testmail"),
            _("Eine E-Mail an Sie selbst zeigt, dass der Versand klappt."),
            reverse("outbox:test_mail"),
            _("Testmail senden"),
            tests.filter(state=OutgoingMessage.State.SENT).exists(),
        ),
    )
