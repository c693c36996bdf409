"""„Firma“ or „Benutzer“: the two senders of a document's mail."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.models import CompanySettings, Project, User
from mailaccounts.models import MailAccount
from mailaccounts.senders import (
    NoAccountForSender,
    SenderChoice,
    may_send_as,
    preferred_choice,
)


class SenderKind(models.TextChoices):
    COMPANY = "firma", gettext_lazy("Firma")
    USER = "benutzer", gettext_lazy("Benutzer")


@dataclass(frozen=True, slots=True)
class SenderOption:
    """One entry of the sender list; where `choice` is None, `problem` says in German why."""

    kind: SenderKind
    email: str
    choice: SenderChoice | None
    problem: str
    is_preferred: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind.label} – {self.email}" if self.email else str(self.kind.label)


def sender_options(*, project: Project | None, user: User) -> tuple[SenderOption, ...]:
    """Both senders, company first, with the account that would send.

    The user's is the sender they prefer, else their own address.
    """
    preferred = preferred_choice(user)
    company = _option(SenderKind.COMPANY, company_address(project), user)
    if preferred is None:
        return company, _option(SenderKind.USER, _own_address(user), user)
    is_company = company.email.lower() == preferred.email.lower()
    return (
        replace(company, is_preferred=is_company),
        SenderOption(SenderKind.USER, preferred.email, preferred, "", is_preferred=True),
    )


def _option(kind: SenderKind, email: str, user: User) -> SenderOption:
    if not email:
        return SenderOption(kind, "", None, _missing(kind))
    try:
        return SenderOption(kind, email, may_send_as(user, email), "")
    except NoAccountForSender as refusal:
        return SenderOption(kind, email, None, refusal.text)


def _missing(kind: SenderKind) -> str:
    if kind == SenderKind.COMPANY:
        return _("In den Grundeinstellungen fehlt die E-Mail-Adresse der Firma.")
    return _("Für Sie ist keine eigene E-Mail-Adresse hinterlegt.")


def company_address(project: Project | None) -> str:
    """The project's sender, else the company's address, else that of the standard account."""
    if project and project.sender_email:
        return project.sender_email
    company = CompanySettings.load()
    if company.email:
        return company.email
    default = MailAccount.objects.kept().filter(is_default=True).first()
    return default.from_email if default else ""


def _own_address(user: User) -> str:
    employee = user.find_employee()
    return employee.email if employee and employee.email else user.email
