"""Pages about the installation itself."""

from __future__ import annotations

import tomllib

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from company.rights import Right, needs, signed_in
from mailaccounts.models import AccountLink, MailAccount
from outbox.models import OutgoingMessage
from poststelle.system_state import read_system_state
from tickets.models import Ticket


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """„Übersicht“: what needs the user now."""
    user = signed_in(request)
    done = [Ticket.Status.CLOSED, Ticket.Status.TRASH]
    tickets = Ticket.objects.visible_to(user).exclude(status__in=done)
    outgoing = OutgoingMessage.objects.visible_to(user)
    context = {
        "mine": tickets.filter(assignee=user).count(),
        "unassigned": tickets.filter(assignee=None).count(),
        "failed": outgoing.filter(state__in=["failed", "uncertain", "bounced"]).count(),
        "waiting": outgoing.filter(state__in=["scheduled", "queued", "retry", "sending"]).count(),
        "longest": tickets.exclude(waiting_since=None)
        .select_related("queue", "assignee")
        .order_by("waiting_since")[:8],
        "has_account": MailAccount.objects.kept().exists(),
        "is_admin": user.may(Right.ADMINISTER),
    }
    return render(request, "poststelle/home.html", context)


@require_safe
@login_not_required
def health(request: HttpRequest) -> JsonResponse:
    """For monitoring: 200 while mail flows, 503 if not; numbers only, no names."""
    try:
        state = read_system_state()
    except DatabaseError:
        return JsonResponse({"status": "error", "database": "unreachable"}, status=503)
    body = {
        "status": "ok" if state.is_well else "warning",
        "database": state.database,
        "broker": state.broker,
        "free_bytes": state.free_bytes,
        "accounts": state.accounts,
        "accounts_failing": state.accounts_failing,
        "last_poll_at": state.last_poll_at,
        "incoming_quarantined": state.incoming_quarantined,
        "outgoing_waiting": state.outgoing_waiting,
        "outgoing_failed": state.outgoing_failed,
        "oldest_waiting_at": state.oldest_waiting_at,
    }
    stuck = state.is_silent or state.is_late or state.is_disk_low
    return JsonResponse(body, status=503 if stuck else 200)


@require_safe
@needs(Right.SEE_SETTINGS)
def system_state(request: HttpRequest) -> HttpResponse:
    links = (
        AccountLink.objects.filter(account__archived_at__isnull=True)
        .select_related("account")
        .order_by("account__description", "account__email", "direction")
    )
    return render(
        request, "poststelle/system_state.html", {"state": read_system_state(), "links": links}
    )


@require_safe
def licences(request: HttpRequest) -> HttpResponse:
    """What others made and Poststelle ships."""
    listed = settings.BASE_DIR / "static" / "vendor" / "vendor.toml"
    packages = tomllib.loads(listed.read_text(encoding="utf-8"))["package"]
    return render(request, "poststelle/licences.html", {"packages": packages})
