from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from company.models import Employee, User
from company.rights import Right
from mailaccounts.models.right import AccountRight

if TYPE_CHECKING:
    from mailaccounts.models.account import MailAccount  # noqa: F401 (named in a string below)


class MailAccountQuerySet(models.QuerySet["MailAccount"]):
    """Whose account it is. The order of who decides: the rows of „Rechte“ (AccountRight) alone, where
    an account has any; else the employees it belongs to; else everybody whose role allows it."""

    def kept(self) -> MailAccountQuerySet:
        """Accounts that were not deleted."""
        return self.filter(archived_at__isnull=True)

    def mail_visible_to(self, user: User) -> MailAccountQuerySet:
        """Accounts whose mail the user may read; auditors read all, admins nothing more than others."""
        if user.may(Right.SEE_PERSONAL_MAIL):
            return self.all()
        return self._open_to(user, "may_read")

    def sendable_by(self, user: User) -> MailAccountQuerySet:
        """Accounts the user may send with."""
        if not user.may(Right.SEND_MAIL):
            return self.none()
        return self.kept().filter(smtp_enabled=True)._open_to(user, "may_send")

    def restricted(self) -> MailAccountQuerySet:
        """Accounts that are not everybody's: with employees or with rows of their own."""
        rows = AccountRight.objects.filter(account=models.OuterRef("pk"))
        employees = Employee.objects.filter(mail_accounts=models.OuterRef("pk"))
        return self.filter(models.Exists(rows) | models.Exists(employees))

    def reserved_for_others(self, user: User) -> MailAccountQuerySet:
        """Accounts in use that are somebody's, but not for this user to send with."""
        return (
            self.kept()
            .restricted()
            .exclude(pk__in=self.model.objects.all()._open_to(user, "may_send"))
        )

    def settings_visible_to(self, user: User) -> MailAccountQuerySet:
        """Accounts whose settings the user may see."""
        return self.kept() if user.may(Right.SEE_SETTINGS) else self.manageable_by(user)

    def manageable_by(self, user: User) -> MailAccountQuerySet:
        """Accounts whose settings the user may change: admins all, others what „Rechte“ gives them."""
        if user.may(Right.ADMINISTER):
            return self.kept()
        if not user.may(Right.SEND_MAIL):
            return self.none()
        rows = AccountRight.objects.filter(account=models.OuterRef("pk"), user=user)
        return self.kept().filter(models.Exists(rows.filter(may_manage=True)))

    def _open_to(self, user: User, right: str) -> MailAccountQuerySet:
        """Accounts that give the user `may_read` or `may_send`, whatever the role."""
        rows = AccountRight.objects.filter(account=models.OuterRef("pk"))
        employees = Employee.objects.filter(mail_accounts=models.OuterRef("pk"))
        return self.filter(
            models.Exists(rows.filter(user=user, **{right: True}))
            | ~models.Exists(rows)
            & (models.Exists(employees.filter(user=user)) | ~models.Exists(employees))
        )
