"""[Jetzt abrufen]: the mailbox is fetched at once instead of at the next round."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.nudge import nudge
from intake.tasks import poll_account
from mailaccounts.account_access import account_to_see
from mailaccounts.links import wake
from mailaccounts.models import AccountLink


@require_POST
def poll_now(request: HttpRequest, pk: int) -> HttpResponse:
    account = account_to_see(request, pk)
    if not account.imap_enabled:
        raise Http404
    if account.is_paused:
        messages.warning(request, _("„%(name)s“ ist pausiert.") % {"name": account})
        return redirect("mailaccounts:list")
    with transaction.atomic():
        wake(account.pk, AccountLink.Direction.INCOMING)
        nudge(poll_account, account.pk)
    messages.success(request, _("„%(name)s“ wird jetzt abgerufen.") % {"name": account})
    return redirect("mailaccounts:list")
