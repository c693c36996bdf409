"""„Was darf …?“: what a user may do, and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from company.models import Queue, User
from company.rights import Right, needs
from mailaccounts.explain_access import explain_access

_WORDS = {
    Right.SEE_TICKETS: _("Tickets sehen"),
    Right.ANSWER_TICKETS: _("Tickets beantworten und ändern"),
    Right.SEE_DOCUMENTS: _("Belege sehen"),
    Right.EDIT_DOCUMENTS: _("Belege anlegen, ändern und versenden"),
    Right.SEE_OUTBOX: _("den Postausgang der lesbaren Accounts sehen"),
    Right.MANAGE_OUTBOX: _("E-Mails im Postausgang abbrechen und erneut senden"),
    Right.SEND_MAIL: _("mit den freigegebenen Accounts senden"),
    Right.SEE_ADDRESSES: _("Adressen sehen"),
    Right.EDIT_ADDRESSES: _("Adressen anlegen und ändern"),
    Right.SEE_ARCHIVE: _("das Archiv der lesbaren Accounts durchsuchen"),
    Right.SEE_PERSONAL_MAIL: _("auch persönliche Postfächer lesen"),
    Right.SEE_SETTINGS: _("alle Einstellungen und das Protokoll sehen"),
    Right.ADMINISTER: _("alle Einstellungen ändern"),
}


@require_safe
@needs(Right.SEE_SETTINGS)
def show_rights(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    queues = Queue.objects.visible_to(person) if person.may(Right.SEE_TICKETS) else ()
    context = {
        "person": person,
        "rights": [(words, person.may(right)) for right, words in _WORDS.items()],
        "accounts": explain_access(person),
        "queues": queues,
        "hidden_queues": Queue.objects.exclude(pk__in=[queue.pk for queue in queues]),
    }
    return render(request, "poststelle/user_rights.html", context)
