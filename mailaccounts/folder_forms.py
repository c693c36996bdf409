"""The folders of a mailbox that are polled, as rows of the account page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.forms import BaseInlineFormSet, inlineformset_factory
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm
from mailaccounts.models import MailAccount, MailFolder

INBOX = "INBOX"
PREFIX = "folders"
MOST = 50

if TYPE_CHECKING:
    _Base = BaseInlineFormSet[MailFolder, MailAccount, "FolderForm"]
else:
    _Base = BaseInlineFormSet


class FolderForm(ModelForm[MailFolder]):
    class Meta:
        model = MailFolder
        fields = ("name", "purpose", "is_active")
        widgets = {"name": forms.TextInput(attrs={"list": "known-folders", "autocomplete": "off"})}

    def has_changed(self) -> bool:
        """A new row without a name was never filled in, whatever its other fields say."""
        if self.instance._state.adding and self.is_bound:
            return bool(self.data.get(self.add_prefix("name"), "").strip())
        return super().has_changed()


class _FolderLines(_Base):
    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        account: MailAccount = kwargs["instance"]
        if data is None and (account.pk is None or not account.folders.exists()):
            kwargs.setdefault("initial", [{"name": INBOX}])
        super().__init__(data, **kwargs)
        self.extra = len(kwargs.get("initial", ()))

    def clean(self) -> None:
        names: set[str] = set()
        for form in self.forms:
            name = form.cleaned_data.get("name") if hasattr(form, "cleaned_data") else None
            if not name or form.cleaned_data.get("DELETE"):
                continue
            # INBOX is INBOX in any case (RFC 3501 5.1); other names are as the server writes them.
            name = INBOX if name.upper() == INBOX else name
            form.cleaned_data["name"] = form.instance.name = name
            if name in names:
                form.add_error(
                    "name", ValidationError(_("Dieser Ordner steht schon in der Liste."))
                )
            names.add(name)


FolderLines = inlineformset_factory(
    MailAccount,
    MailFolder,
    form=FolderForm,
    formset=_FolderLines,
    extra=1,
    max_num=MOST,
    can_delete=True,
)


def save_folders(lines: _Base, account: MailAccount) -> None:
    """Writes the rows. A folder whose mail was taken over is no longer polled instead of deleted."""
    lines.instance = account
    lines.save(commit=False)
    for form in lines.initial_forms:
        if form in lines.deleted_forms:
            continue
        if form.has_changed():
            form.instance.save()
    for folder in lines.deleted_objects:
        try:
            with transaction.atomic():
                folder.delete()
        except ProtectedError:
            MailFolder.objects.filter(pk=folder.pk).update(is_active=False)
    for form in lines.extra_forms:
        if form.cleaned_data.get("name") and not form.cleaned_data.get("DELETE"):
            # Not simply saved: the same page may be sent a second time.
            values = {name: form.cleaned_data[name] for name in ("purpose", "is_active")}
            account.folders.update_or_create(name=form.cleaned_data["name"], defaults=values)
    if not account.folders.exists():
        account.folders.create(name=INBOX)


def folders_to_copy(account: MailAccount) -> list[dict[str, object]]:
    return [dict(row) for row in account.folders.values("name", "purpose", "is_active")]


def with_one_more(data: QueryDict) -> QueryDict:
    """The posted rows and an empty one behind them."""
    copy = data.copy()
    total = copy.get(f"{PREFIX}-TOTAL_FORMS", "0")
    count = int(total) if total.isdecimal() else 0
    if count < MOST:
        copy[f"{PREFIX}-TOTAL_FORMS"] = str(count + 1)
        copy[f"{PREFIX}-{count}-is_active"] = "on"
    return copy


def active_folders(lines: _Base) -> tuple[str, ...]:
    """The names that are to be polled, of rows that were filled in."""
    return tuple(
        form.cleaned_data["name"]
        for form in lines.forms
        if hasattr(form, "cleaned_data")
        and form.cleaned_data.get("name")
        and form.cleaned_data.get("is_active")
        and not form.cleaned_data.get("DELETE")
    )
