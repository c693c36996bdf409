"""The numbers in the navigation, read in one query on every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from company.models import Notification, User
from company.rights import Right
from mailaccounts.models import AccountLink, MailAccount
from outbox.models import OutgoingMessage
from tickets.models import Ticket

_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)
_NOT_DELIVERED = (
    OutgoingMessage.State.FAILED,
    OutgoingMessage.State.UNCERTAIN,
    OutgoingMessage.State.BOUNCED,
)


@dataclass(frozen=True, slots=True)
class NavCounts:
    my_tickets: int  # open ones assigned to the user
    not_delivered: int
    unread_notices: int
    faulty_accounts: int
    manages_accounts: bool  # without the right to see all settings


def read_nav_counts(user: User) -> NavCounts:
    """What the user's navigation and banners show."""
    tickets = Ticket.objects.visible_to(user).filter(assignee=user).exclude(status__in=_DONE)
    outgoing = OutgoingMessage.objects.visible_to(user).filter(state__in=_NOT_DELIVERED)
    failing = AccountLink.objects.filter(
        state__in=[AccountLink.State.FAILING, AccountLink.State.LOGIN]
    )
    accounts = (
        MailAccount.objects.kept()
        .filter(paused_at__isnull=True)
        .filter(pk__in=failing.values("account_id"))
    )
    row = (
        User.objects.filter(pk=user.pk)
        .values_list(
            _count(tickets),
            _count(outgoing),
            _count(Notification.objects.filter(user=user, read_at=None)),
            _count(accounts),
            Exists(MailAccount.objects.settings_visible_to(user)),
        )
        .get()
    )
    manages = bool(row[4]) and not user.may(Right.SEE_SETTINGS)
    return NavCounts(int(row[0]), int(row[1]), int(row[2]), int(row[3]), manages)


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many rows, as a part of another query."""
    counted = rows.order_by().values(one=Value(1)).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
