"""The blocks of the account page. Each app brings its own, named in settings.ACCOUNT_PANELS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from mailaccounts.connection_forms import ImapForm, SmtpForm, allowed_as_text, ask_again
from mailaccounts.folder_forms import PREFIX, FolderLines, folders_to_copy, save_folders
from mailaccounts.limit_hint import LimitHint, limit_hint
from mailaccounts.models import MailAccount
from mailaccounts.odd_settings import odd_imap_settings, odd_smtp_settings
from mailaccounts.passwords import seal_imap_password, seal_smtp_password
from mailaccounts.settings_forms import EmployeeForm, SignatureForm

if TYPE_CHECKING:
    from django.forms import BoundField, ModelForm
    from django.utils.functional import _StrOrPromise


class Panel:
    """A block of the account page: its form fills the one account that all panels share.

    1. `is_valid` cleans the form and so fills the account; 2. `check` looks at the account as all
    panels left it and may add errors to its form; 3. `save` writes what belongs to the account but is
    kept elsewhere, after the account itself was saved.
    """

    key: ClassVar[str]  # anchor and prefix of the field names
    title: ClassVar[_StrOrPromise]
    template: ClassVar[str]
    switch: ClassVar[str] = ""  # the field that opens the block, if any
    admin_fields: ClassVar[tuple[str, ...]] = ()  # not for those who manage this account only
    form_class: ClassVar[type[ModelForm[Any]]]

    def __init__(
        self, account: MailAccount, saved: MailAccount | None, data: QueryDict | None
    ) -> None:
        """`saved` is the account as it stands in the database, None for a new one."""
        self.account = account
        self.saved = saved
        self.data = data
        self.form = self.make_form()

    def make_form(self) -> ModelForm[Any]:
        return self.form_class(self.data, instance=self.account, prefix=self.key)

    @property
    def forms(self) -> list[forms.BaseForm]:
        """Everything of this panel that may hold errors."""
        return [self.form]

    @property
    def switch_field(self) -> BoundField | None:
        return self.form[self.switch] if self.switch else None

    def is_valid(self) -> bool:
        return self.form.is_valid()

    def lock_for_managers(self) -> None:
        """Keeps what only admins may change as it is, whatever is posted."""
        for name in self.admin_fields:
            self.form.fields[name].disabled = True

    def check(self) -> None:
        """Adds errors that depend on other panels."""

    def refused(self) -> None:
        """The page was not saved and is shown again."""

    def save(self) -> None:
        self.form.save(commit=False)
        self.form.save_m2m()

    def copy_from(self, source: MailAccount) -> None:
        """Proposes for a new account what another one keeps beside its own row."""

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        """What `save` keeps beside the account's row, as the log of changes shows it."""
        return {}

    def warnings(self) -> list[str]:
        """What is unusual about the account as it is, in German; nothing of it is forbidden."""
        return []


class ImapPanel(Panel):
    key = "imap"
    title = _("Einstellungen IMAP")
    template = "mailaccounts/panels/imap.html"
    form_class = ImapForm

    def __init__(
        self, account: MailAccount, saved: MailAccount | None, data: QueryDict | None
    ) -> None:
        super().__init__(account, saved, data)
        self.folders = FolderLines(data, instance=account, prefix=PREFIX)

    @property
    def forms(self) -> list[forms.BaseForm]:
        return [self.form, *self.folders.forms]

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), self.folders.is_valid()])

    def check(self) -> None:
        problem = seal_imap_password(self.account, self.form.cleaned_data.get("password", ""))
        if problem:
            self.form.add_error("password", problem)

    def refused(self) -> None:
        ask_again(self.form)

    def save(self) -> None:
        save_folders(self.folders, self.account)

    def copy_from(self, source: MailAccount) -> None:
        self.folders = FolderLines(
            instance=self.account, prefix=PREFIX, initial=folders_to_copy(source)
        )

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        shown = [
            f"{one} ({one.get_purpose_display()})" for one in account.folders.filter(is_active=True)
        ]
        return {_now("Ordner"): ", ".join(shown)}

    def warnings(self) -> list[str]:
        return odd_imap_settings(self.account)


class SmtpPanel(Panel):
    key = "smtp"
    title = _("Einstellungen SMTP (Optional)")
    template = "mailaccounts/panels/smtp.html"
    switch = "smtp_enabled"
    form_class = SmtpForm
    admin_fields = ("is_default",)

    @property
    def limits(self) -> LimitHint | None:
        """What the provider allows, where the server is a known one's."""
        return limit_hint(self.account)

    def check(self) -> None:
        typed = self.data or QueryDict()
        problem = seal_smtp_password(
            self.account,
            self.form.cleaned_data.get("password", ""),
            saved=self.saved,
            follows_imap=bool(self.form.cleaned_data.get("use_imap_password")),
            imap_was_typed=bool(typed.get("imap-password")),
        )
        if problem:
            self.form.add_error("password", problem)

    def refused(self) -> None:
        ask_again(self.form)

    def save(self) -> None:
        self.form.save_allowed_senders()  # type: ignore[attr-defined]

    def copy_from(self, source: MailAccount) -> None:
        self.form.initial["allowed"] = allowed_as_text(source)

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        return {
            _now("Weitere erlaubte Absender"): ", ".join(map(str, account.allowed_senders.all()))
        }

    def warnings(self) -> list[str]:
        return odd_smtp_settings(self.account)


class EmployeePanel(Panel):
    key = "employees"
    title = _("Mitarbeiter")
    template = "mailaccounts/panels/employees.html"
    form_class = EmployeeForm
    admin_fields = ("employees",)

    def copy_from(self, source: MailAccount) -> None:
        self.form.initial["employees"] = source.employees.all()

    @staticmethod
    def kept_beside(account: MailAccount) -> dict[str, str]:
        return {_now("Mitarbeiter"): ", ".join(map(str, account.employees.all()))}


class SignaturePanel(Panel):
    key = "signature"
    title = _("Eigene Signatur")
    template = "mailaccounts/panels/signature.html"
    switch = "signature_active"
    form_class = SignatureForm
