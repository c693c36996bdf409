"""Why a message has not left yet, in words."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from company.models import CompanySettings
from mailaccounts.models import AccountLink
from mailaccounts.remedies import explain
from outbox.models import OutgoingMessage


def why_waiting(outgoing: OutgoingMessage) -> tuple[str, str]:
    """Why a queued message waits, and what to do: the brake, its account, or nothing but its turn."""
    account = outgoing.account
    if CompanySettings.load().sending_paused:
        return _("Der Versand ist zurzeit für alle Accounts angehalten."), ""
    if account.is_paused:
        return _("Der Account „%(name)s“ ist pausiert.") % {"name": account}, ""
    link = account.links.filter(direction=AccountLink.Direction.OUTGOING).first()
    if link is None:
        return _("Wird gleich gesendet."), ""
    found = explain(link.error_kind, link.error_step) if link.error_kind else None
    if found and link.state == AccountLink.State.LOGIN:
        text = _("Der Account „%(name)s“ kann nicht senden: %(reason)s")
        return text % {"name": account, "reason": found.happened}, found.remedy
    if link.next_attempt_at and link.next_attempt_at > timezone.now():
        text = _("Der Account „%(name)s“ wartet bis %(when)s.")
        if found is None and outgoing.error_kind:
            found = explain(outgoing.error_kind)
        reason = f" {found.happened}" if found else ""
        return text % {"name": account, "when": moment_of(link.next_attempt_at)} + reason, ""
    return _("Wird gleich gesendet."), ""


def moment_of(moment: datetime | None) -> str:
    """„um 14:05“ today, else „am 24.11.2026 um 14:05“."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    clock = _("um %(time)s") % {"time": date_format(local, "H:i")}
    if local.date() == timezone.localdate():
        return clock
    return _("am %(date)s %(clock)s") % {"date": date_format(local, "d.m.Y"), "clock": clock}


def parked_reason(outgoing: OutgoingMessage) -> str:
    """What keeps a queued message from going; "" where it is only not its turn yet."""
    account = outgoing.account
    is_held = (
        CompanySettings.load().sending_paused
        or account.is_paused
        or AccountLink.objects.filter(account=account, direction=AccountLink.Direction.OUTGOING)
        .filter(Q(state=AccountLink.State.LOGIN) | Q(next_attempt_at__gt=timezone.now()))
        .exists()
    )
    return " ".join(filter(None, why_waiting(outgoing))) if is_held else ""
