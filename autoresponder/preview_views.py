"""[Vorschau] of the autoresponder: the answer to a made-up mail, from what stands in the form."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from autoresponder.forms import TEXTS
from autoresponder.panels import TICKET, TICKET_REFUSED
from autoresponder.respond import VARIABLES, fill_answer
from company.rights import signed_in
from mailaccounts.models import MailAccount
from mailcore.placeholders import unknown


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Nothing is saved; only for those who may see the settings of some account."""
    if not MailAccount.objects.settings_visible_to(signed_in(request)).exists():
        return render(request, "autoresponder/_preview.html", {})
    has_tickets = "ticket-tickets_enabled" in request.POST
    subject, text, period_subject, period_text = texts = [_typed(request, name) for name in TEXTS]
    example = {
        "TICKET": f"{timezone.localdate():%Y%m%d}0042" if has_tickets else "",
        "BETREFF": _("Lieferung unvollständig"),
    }
    answers = [(False, *fill_answer(subject, text, example))]
    if period_subject or period_text:
        own = fill_answer(period_subject or subject, period_text or text, example)
        answers.append((True, *own))
    context = {
        "answers": answers if any(texts) else [],
        "problems": _problems(texts, has_tickets=has_tickets),
    }
    return render(request, "autoresponder/_preview.html", context)


def _typed(request: HttpRequest, name: str) -> str:
    limit = 200 if name.endswith("subject") else 100_000
    return request.POST.get(f"autoresponder-{name}", "").strip()[:limit]


def _problems(texts: Sequence[str], *, has_tickets: bool) -> list[str]:
    names = dict.fromkeys(name for text in texts for name in unknown(text, VARIABLES))
    problems = [
        _("„{%(name)s}“ ist keine Variable und bliebe so stehen.") % {"name": name}
        for name in names
    ]
    if not has_tickets and any(TICKET in text for text in texts):
        problems.append(str(TICKET_REFUSED))
    return problems
