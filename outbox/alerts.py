"""Mail to the admins when an account fails and when it works again, once each, through another account."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from company.models import User
from mailaccounts.models import AccountLink, MailAccount
from mailaccounts.remedies import explain
from mailcore.messages import Draft, Mailbox
from mailcore.recipients import split_address
from outbox.enqueue import enqueue
from outbox.messenger import AUTOMATIC, choose_messenger
from outbox.models import OutgoingMessage

log = logging.getLogger(__name__)

State, Direction = AccountLink.State, AccountLink.Direction
PATIENCE = 3  # attempts in a row that may fail before anybody is told
_IN_USE = Q(account__archived_at__isnull=True, account__paused_at__isnull=True) & (
    Q(direction=Direction.INCOMING, account__imap_enabled=True)
    | Q(direction=Direction.OUTGOING, account__smtp_enabled=True)
)


@dataclass(frozen=True, slots=True)
class _Alert:
    """One mail: what it says of which links, and what its row remembers once it is queued."""

    links: list[AccountLink]
    is_recovery: bool


def alert_admins() -> int:
    """Queues at most one mail for all new failures and one for all recoveries. Safe to repeat.

    Where no other account works or no admin has an address, nothing is noted and the next run tries
    again. Returns how many mails were queued.
    """
    failing = _links().filter(
        Q(state=State.LOGIN) | Q(state=State.FAILING, failures__gte=PATIENCE),
        alerted_at__isnull=True,
    )
    recovered = _links().filter(state=State.OK, alerted_at__isnull=False)
    alerts = (_Alert(list(failing), False), _Alert(list(recovered), True))
    return sum(_send(alert) for alert in alerts if alert.links)


def _links() -> QuerySet[AccountLink]:
    links = AccountLink.objects.filter(_IN_USE).select_related("account")
    return links.order_by("account__description", "account__email", "direction")


def _send(alert: _Alert) -> bool:
    admins = _admins()
    account = choose_messenger(avoid={link.account_id for link in alert.links})
    if account is None or not admins:
        missing = "account that works" if admins else "admin with an address"
        log.warning("no %s to tell about: %s", missing, [link.pk for link in alert.links])
        return False
    with transaction.atomic(), translation.override("de"):
        noted = [link for link in alert.links if _note(link, is_recovery=alert.is_recovery)]
        if not noted:  # another worker was faster
            return False
        enqueue(
            draft=_draft(account, admins, noted, is_recovery=alert.is_recovery),
            bcc=(),
            account=account,
            origin=OutgoingMessage.Origin.ALERT,
            once_key=f"alert:{uuid4().hex}",
            created_by=None,
            sender_reason=_("Störungsmeldung: ein anderer Account, der sendet"),
            keep_sent_copy=False,
        )
    return True


def _note(link: AccountLink, *, is_recovery: bool) -> bool:
    """The row decides who tells: one conditional update, in the transaction that queues the mail."""
    row = AccountLink.objects.filter(pk=link.pk, alerted_at__isnull=not is_recovery)
    return bool(row.update(alerted_at=None if is_recovery else timezone.now()))


def _admins() -> tuple[Mailbox, ...]:
    users = User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(email="")
    return tuple(
        Mailbox(str(user), user.email) for user in users.order_by("pk") if split_address(user.email)
    )


def _draft(
    account: MailAccount,
    admins: tuple[Mailbox, ...],
    links: list[AccountLink],
    *,
    is_recovery: bool,
) -> Draft:
    count = len({link.account_id for link in links})
    name = str(links[0].account)
    if is_recovery:
        subject = ngettext(
            "E-Mail Account „%(name)s“ arbeitet wieder",
            "%(count)d E-Mail Accounts arbeiten wieder",
            count,
        )
        lead, describe = _("Guten Tag,\n\ndie Störung ist vorbei:"), _describe_recovery
    else:
        subject = ngettext(
            "Störung: E-Mail Account „%(name)s“", "Störung: %(count)d E-Mail Accounts", count
        )
        lead, describe = _("Guten Tag,\n\nPoststelle meldet eine Störung:"), _describe_failure
    paragraphs = [lead, *(describe(link) for link in links)]
    if not is_recovery:
        paragraphs.append(
            _(
                "Sie erhalten keine weitere Meldung, bis die Störung behoben ist. Nichts geht verloren."
            )
        )
    return Draft(
        from_=Mailbox(account.from_name, account.from_email),
        to=admins,
        subject=subject % {"name": name, "count": count},
        text="\n\n".join([*paragraphs, "Poststelle"]),
        headers=AUTOMATIC,
    )


def _describe_failure(link: AccountLink) -> str:
    said = explain(link.error_kind, link.error_step)
    lines = [
        f"{link.account} ({link.account.email}), {link.get_direction_display()}",
        said.happened,
        _("So beheben: %(remedy)s") % {"remedy": said.remedy},
    ]
    if link.failing_since:
        when = date_format(timezone.localtime(link.failing_since), "d.m.Y H:i")
        lines.append(_("Störung seit %(when)s.") % {"when": when})
    if link.error_detail:
        lines.append(_("Der Server sagt: %(detail)s") % {"detail": link.error_detail})
    return "\n".join([*lines, _page_of(link.account)])


def _describe_recovery(link: AccountLink) -> str:
    title = f"{link.account} ({link.account.email}), {link.get_direction_display()}"
    return "\n".join([title, _page_of(link.account)])


def _page_of(account: MailAccount) -> str:
    address = reverse("mailaccounts:edit", args=[account.pk])
    return f"{settings.BASE_URL.rstrip('/')}{address}"
