"""„Rechte“ of an account: who reads, sends, manages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm, make_read_only
from company.models import User
from mailaccounts.models import AccountRight, MailAccount
from mailaccounts.panels import Panel

_WHAT = {"read": _("lesen"), "send": _("senden"), "manage": _("verwalten")}


@dataclass(frozen=True, slots=True)
class UserRow:
    user: User
    boxes: tuple[BoundField, ...]


class RightsForm(ModelForm[MailAccount]):
    """Three boxes for every user; a user without any has no row."""

    class Meta:
        model = MailAccount
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = Q(is_active=True)
        if self.instance.pk:
            shown |= Q(account_rights__account=self.instance)
        self.users = tuple(User.objects.filter(shown).distinct())
        for user in self.users:
            for what, label in _WHAT.items():
                title = _now("%(user)s darf %(what)s") % {"user": user, "what": label}
                self.fields[f"{what}_{user.pk}"] = forms.BooleanField(
                    label=label,
                    required=False,
                    widget=forms.CheckboxInput(attrs={"aria-label": title}),
                )
        if self.instance.pk:
            self.fill_from(self.instance)

    def fill_from(self, account: MailAccount) -> None:
        """Ticks what the account's rows give."""
        for row in account.rights.all():
            for what in _WHAT:
                self.initial[f"{what}_{row.user_id}"] = getattr(row, f"may_{what}")

    def rows(self) -> Iterator[UserRow]:
        for user in self.users:
            yield UserRow(user, tuple(self[f"{what}_{user.pk}"] for what in _WHAT))

    def save_rights(self) -> None:
        """Brings the account's rows to what is ticked."""
        for user in self.users:
            ticked = {f"may_{what}": self.cleaned_data[f"{what}_{user.pk}"] for what in _WHAT}
            if any(ticked.values()):
                AccountRight.objects.update_or_create(
                    account=self.instance, user=user, defaults=ticked
                )
            else:
                AccountRight.objects.filter(account=self.instance, user=user).delete()


class RightsPanel(Panel):
    key = "rights"
    title = _("Rechte")
    template = "mailaccounts/panels/rights.html"
    form_class = RightsForm

    def lock_for_managers(self) -> None:
        make_read_only(self.form)

    def save(self) -> None:
        self.form.save_rights()  # type: ignore[attr-defined]

    def copy_from(self, source: MailAccount) -> None:
        self.form.fill_from(source)  # type: ignore[attr-defined]

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        rows = account.rights.select_related("user")
        return {_now("Rechte"): "; ".join(f"{row.user.username}: {row.words}" for row in rows)}

    def warnings(self) -> list[str]:
        """Employees the account belongs to, but whom the rows leave out."""
        if not self.account.pk or not self.account.rights.exists():
            return []
        shut_out = self.account.employees.exclude(
            user__account_rights__in=self.account.rights.filter(may_read=True)
        )
        return [
            _now(
                "Der Account gehört %(name)s, unter „Rechte“ fehlt aber das Leserecht: "
                "%(name)s sieht diese E-Mails nicht."
            )
            % {"name": employee.name}
            for employee in shut_out
        ]
