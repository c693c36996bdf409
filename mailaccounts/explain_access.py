"""What a user may do with each account, and why; the querysets decide, this only puts it into words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from company.models import User
from company.rights import Right
from mailaccounts.models import AccountRight, MailAccount


@dataclass(frozen=True, slots=True)
class AccountAccess:
    account: MailAccount
    reads: bool
    sends: bool
    manages: bool
    reason: str


def explain_access(user: User) -> tuple[AccountAccess, ...]:
    """Every account in use, for this user."""
    accounts = MailAccount.objects.kept()
    may_see_mail = user.may(Right.SEE_TICKETS) or user.may(Right.SEE_OUTBOX)
    reads = set(accounts.mail_visible_to(user).values_list("pk", flat=True)) if may_see_mail else ()
    sends = set(accounts.sendable_by(user).values_list("pk", flat=True))
    manages = set(accounts.manageable_by(user).values_list("pk", flat=True))
    return tuple(
        AccountAccess(
            account=account,
            reads=account.pk in reads,
            sends=account.pk in sends,
            manages=account.pk in manages,
            reason=_reason(account, user),
        )
        for account in accounts.prefetch_related("rights", "employees")
    )


def _reason(account: MailAccount, user: User) -> str:
    found = [_assignment(account, user)]
    if user.may(Right.SEE_PERSONAL_MAIL):
        found.append(_("Prüfer lesen alle Postfächer."))
    if user.may(Right.ADMINISTER):
        found.append(_("Administratoren verwalten alle Accounts."))
    if not account.smtp_enabled:
        found.append(_("Der Account sendet nicht."))
    return " ".join(found)


def _assignment(account: MailAccount, user: User) -> str:
    rows: list[AccountRight] = list(account.rights.all())
    if rows:
        own = next((row for row in rows if row.user_id == user.pk), None)
        if own is None:
            return _("Unter „Rechte“ stehen nur andere.")
        return _("Unter „Rechte“ steht: %(words)s.") % {"words": own.words}
    employees = account.employees.all()
    if not employees:
        return _("Der Account ist für alle da.")
    if any(employee.user_id == user.pk for employee in employees):
        return _("Es ist der persönliche Account.")
    return _("Persönlicher Account von %(names)s.") % {
        "names": ", ".join(str(employee) for employee in employees)
    }
