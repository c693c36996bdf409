"""[Vorschau] of the autoresponder: the answer to a made-up mail, from what stands in the form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

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
    subject = request.POST.get("autoresponder-subject", "")[:200]
    text = request.POST.get("autoresponder-text", "")[:100_000]
    has_tickets = "ticket-tickets_enabled" in request.POST
    example = {
        "TICKET": f"{timezone.localdate():%Y%m%d}0042" if has_tickets else "",
        "BETREFF": _("Lieferung unvollständig"),
    }
    problems = [
        _("„{%(name)s}“ ist keine Variable und bliebe so stehen.") % {"name": name}
        for name in dict.fromkeys((*unknown(subject, VARIABLES), *unknown(text, VARIABLES)))
    ]
    if not has_tickets and TICKET in subject + text:
        problems.append(str(TICKET_REFUSED))
    filled = fill_answer(subject, text, example)
    context = {"subject": filled[0], "text": filled[1], "problems": problems}
    return render(request, "autoresponder/_preview.html", context)
