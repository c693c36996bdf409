"""Whose account page is whose: what one may not see does not exist, what one may only see is not changed."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from company.rights import Right, has_right, signed_in
from mailaccounts.models import MailAccount
from mailaccounts.models.access import MailAccountQuerySet


def accounts_to_see(request: HttpRequest) -> MailAccountQuerySet:
    """The accounts of the list. Raises PermissionDenied for those who have none to look after."""
    user = signed_in(request)
    accounts = MailAccount.objects.settings_visible_to(user)
    if not has_right(user, Right.SEE_SETTINGS) and not accounts.exists():
        raise PermissionDenied
    return accounts


def account_to_see(request: HttpRequest, pk: int) -> MailAccount:
    """The account, or 404; 403 where the request wants to change it and may not."""
    user = signed_in(request)
    account = get_object_or_404(MailAccount.objects.settings_visible_to(user), pk=pk)
    if request.method not in {"GET", "HEAD"}:
        _insist(MailAccount.objects.manageable_by(user).filter(pk=pk).exists())
    return account


def account_or_new(request: HttpRequest, pk: int | None) -> MailAccount:
    """The account to change, or an empty one for admins."""
    if pk is not None:
        return account_to_see(request, pk)
    _insist(has_right(signed_in(request), Right.ADMINISTER))
    return MailAccount()


def may_manage(request: HttpRequest, account: MailAccount | None) -> bool:
    """Whether the user may change the settings of this stored account."""
    accounts = MailAccount.objects.manageable_by(signed_in(request))
    return account is not None and accounts.filter(pk=account.pk).exists()


def _insist(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied
