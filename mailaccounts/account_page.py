"""The account page as a whole: all panels on one account, valid or saved together."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.utils.module_loading import import_string

from company.model_forms import make_read_only
from company.models import User
from mailaccounts.account_audit import logged
from mailaccounts.links import wake
from mailaccounts.models import MailAccount
from mailaccounts.oauth_links import link_saved
from mailaccounts.panels import Panel

_NOT_SETTINGS = {"id", "oauth_grant", "paused_at", "archived_at", "created_at"}


class AccountPage:
    """Panels that share one account, which `is_valid` fills but only `save` writes."""

    def __init__(self, account: MailAccount, data: QueryDict | None = None) -> None:
        self.account = account
        self.saved = copy.copy(account) if account.pk else None
        self.panels: tuple[Panel, ...] = tuple(
            import_string(path)(account, self.saved, data) for path in settings.ACCOUNT_PANELS
        )

    def panel(self, key: str) -> Panel:
        return next(panel for panel in self.panels if panel.key == key)

    def is_valid(self) -> bool:
        is_valid = self.fill(self.panels)
        if not is_valid:
            for panel in self.panels:
                panel.refused()
        return is_valid

    def fill(self, panels: Sequence[Panel]) -> bool:
        """Cleans these panels and lets them look at the account. True without any error."""
        for panel in panels:
            panel.is_valid()
        for panel in panels:
            panel.check()
        return all(panel.is_valid() for panel in panels)

    def copy_from(self, source: MailAccount) -> None:
        for panel in self.panels:
            panel.copy_from(source)

    @property
    def forms(self) -> list[forms.BaseForm]:
        return [form for panel in self.panels for form in panel.forms]

    @property
    def error_count(self) -> int:
        return sum(len(form.errors) for form in self.forms)

    @property
    def warnings(self) -> list[str]:
        return [text for panel in self.panels for text in panel.warnings()]

    def make_read_only(self) -> None:
        for form in self.forms:
            make_read_only(form)

    def lock_for_managers(self) -> None:
        """To be called before `is_valid` for those who manage this account but do not administer."""
        for panel in self.panels:
            panel.lock_for_managers()

    def save(self, actor: User) -> MailAccount:
        """Writes account and panels in one transaction and lets both directions try again at once."""
        with transaction.atomic(), logged(actor, self.account):
            self._settle_default()
            if self.account.pk:
                self.account.save(update_fields=_settings())
            else:
                self.account.save()
            for panel in self.panels:
                panel.save()
            wake(self.account.pk)
            link_saved(self.account)
        return self.account

    def _settle_default(self) -> None:
        """Exactly one account is the standard; the first that can send becomes it."""
        others = MailAccount.objects.kept().exclude(pk=self.account.pk)
        if not self.account.smtp_enabled:
            self.account.is_default = False
            if self.saved is not None and self.saved.is_default:
                MailAccount.objects.filter(pk=self.account.pk).update(is_default=False)
                pass_default_on(self.account)
            return
        if self.account.is_default:
            others.filter(is_default=True).update(is_default=False)
        elif not others.filter(is_default=True).exists():
            self.account.is_default = True


def pass_default_on(account: MailAccount) -> MailAccount | None:
    """Makes the oldest other account that can send the standard; None if there is none."""
    others = MailAccount.objects.kept().exclude(pk=account.pk).filter(smtp_enabled=True)
    heir = others.order_by("pk").first()
    if heir is not None:
        heir.is_default = True
        heir.save(update_fields=["is_default"])
    return heir


def _settings() -> list[str]:
    """Not what others do while the page is open: pausing, deleting, signing in at the provider."""
    return [
        field.name for field in MailAccount._meta.concrete_fields if field.name not in _NOT_SETTINGS
    ]
