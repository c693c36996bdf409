"""The numbers in the navigation, read in one query on every page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from company.models import Notification, User
from company.rights import Right
from intake.models import IntakeItem
from mailaccounts.models import AccountLink, MailAccount
from outbox.models import OutgoingMessage
from tickets.models import Ticket

_DONE = (Ticket.Status.CLOSED, Ticket.Status.TRASH)
_NOT_DELIVERED = (
    OutgoingMessage.State.FAILED,
    OutgoingMessage.State.UNCERTAIN,
    OutgoingMessage.State.BOUNCED,
)


_SOMEBODY = -814905  # the key of a user in a statement, before it is known whose


@dataclass(frozen=True, slots=True)
class NavCounts:
    my_tickets: int  # open ones assigned to the user
    not_delivered: int
    unread_notices: int
    faulty_accounts: int
    set_aside: int  # incoming mail that waits for a decision: in quarantine or too large
    manages_accounts: bool  # without the right to see all settings


def read_nav_counts(user: User) -> NavCounts:
    """What the user's navigation and banners show."""
    sql, values = _statement(user.role)
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk if value == _SOMEBODY else value for value in values])
        mine, outgoing, notices, faulty, aside, manages = cursor.fetchone()
    sees_part = bool(manages) and not user.may(Right.SEE_SETTINGS)
    return NavCounts(mine, outgoing, notices, faulty, aside, sees_part)


@cache
def _statement(role: str) -> tuple[str, tuple[Any, ...]]:
    """The query for people with these rights: putting it together takes longer than its answer."""
    user = User(pk=_SOMEBODY, role=role)
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
    states = [IntakeItem.State.QUARANTINED, IntakeItem.State.TOO_LARGE]
    aside = IntakeItem.objects.filter(state__in=states)
    if not user.may(Right.SEE_SETTINGS):
        aside = aside.none()
    rows = User.objects.filter(pk=user.pk).values_list(
        _count(tickets),
        _count(outgoing),
        _count(Notification.objects.filter(user=user, read_at=None)),
        _count(accounts),
        _count(aside),
        Exists(MailAccount.objects.settings_visible_to(user)),
    )
    return rows.query.sql_with_params()


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many rows, as a part of another query."""
    counted = rows.order_by().values(one=Value(1)).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
