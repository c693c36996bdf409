"""Which base data there is: its columns, its form, what it says when empty."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.base_data_forms import (
    AddressForm,
    ContactLines,
    EmployeeForm,
    ProjectForm,
    QueueForm,
    UserForm,
    is_last_admin,
)
from company.models import Address, Employee, Project, Queue, User
from company.rights import Right
from company.section import Cell, Column, Section


def _state(is_active: bool) -> Cell:
    return Cell(_("aktiv"), tone="ok") if is_active else Cell(_("inaktiv"), tone="neutral")


PROJECTS = Section(
    key="projects",
    path="projekte",
    model=Project,
    form=ProjectForm,
    columns=(
        Column[Project](_("Abkürzung"), lambda row: Cell(row.code)),
        Column[Project](_("Bezeichnung"), lambda row: Cell(row.name)),
        Column[Project](_("Absenderadresse"), lambda row: Cell(row.sender_email)),
        Column[Project](
            _("Signatur"), lambda row: Cell(_("eigene") if row.signature_active else _("Standard"))
        ),
        Column[Project](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=("code", "name", "sender_email"),
    title=_("Projekte"),
    new=_("Projekt anlegen"),
    empty=_("Noch kein Projekt. Tickets und Belege lassen sich nach Projekten ordnen."),
    icon="layers",
)

QUEUES = Section(
    key="queues",
    path="warteschlangen",
    model=Queue,
    form=QueueForm,
    columns=(
        Column[Queue](_("Name"), lambda row: Cell(row.name)),
        Column[Queue](_("Kennung"), lambda row: Cell(row.key)),
        Column[Queue](
            _("Verantwortlicher"),
            lambda row: Cell(str(row.responsible) if row.responsible else _("Abteilung")),
        ),
    ),
    search=("name", "key"),
    related=("responsible",),
    title=_("Warteschlangen"),
    lead=_("Hier warten Tickets auf eine Abteilung oder eine Person."),
    new=_("Warteschlange anlegen"),
    empty=_("Noch keine Warteschlange. Legen Sie für jede Abteilung eine an."),
    icon="list-ordered",
)


def _keep_employee(row: Employee, _user: User) -> str:
    # The accounts lie above this app: only the name of the relation is used here. Without its last
    # employee a personal account would be everybody's.
    accounts = ", ".join(str(account) for account in row.mail_accounts.all())
    if not accounts:
        return ""
    return _now(
        "%(name)s ist noch E-Mail Accounts zugeordnet: %(accounts)s. Ändern Sie zuerst dort die "
        "Zuordnung."
    ) % {"name": row, "accounts": accounts}


EMPLOYEES = Section(
    key="employees",
    path="mitarbeiter",
    model=Employee,
    form=EmployeeForm,
    columns=(
        Column[Employee](_("Name"), lambda row: Cell(row.name)),
        Column[Employee](_("E-Mail"), lambda row: Cell(row.email)),
        Column[Employee](_("Telefon"), lambda row: Cell(row.phone)),
        Column[Employee](
            pgettext_lazy("one", "Benutzer"),
            lambda row: Cell(row.user.username if row.user else ""),
        ),
        Column[Employee](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=("name", "email", "phone", "mobile"),
    related=("user",),
    title=_("Mitarbeiter"),
    lead=_("Ihre Namen und Nummern stehen in den Signaturen."),
    new=_("Mitarbeiter anlegen"),
    empty=_("Noch kein Mitarbeiter."),
    icon="users",
    why_not_delete=_keep_employee,
)


def _keep_user(row: User, user: User) -> str:
    if row.pk == user.pk:
        return _now("Sie können sich nicht selbst löschen.")
    if is_last_admin(row):
        return _now("Der einzige Administrator kann nicht gelöscht werden.")
    return ""


USERS = Section(
    key="users",
    path="benutzer",
    model=User,
    form=UserForm,
    columns=(
        Column[User](_("Benutzername"), lambda row: Cell(row.username, sub=row.get_full_name())),
        Column[User](_("E-Mail"), lambda row: Cell(row.email)),
        Column[User](_("Rolle"), lambda row: Cell(row.get_role_display())),
        Column[User](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=("username", "email", "first_name", "last_name"),
    title=_("Benutzer"),
    lead=_("Wer sich anmelden darf, und mit welchen Rechten."),
    new=_("Benutzer anlegen"),
    empty=_("Noch kein Benutzer."),
    icon="user",
    pages=(("user_rights", _("Was darf …?")),),
    why_not_delete=_keep_user,
)

ADDRESSES = Section(
    key="addresses",
    path="adressen",
    model=Address,
    form=AddressForm,
    columns=(
        Column[Address](_("Name"), lambda row: Cell(row.name, sub=row.number)),
        Column[Address](_("Art"), lambda row: Cell(row.get_kind_display())),
        Column[Address](_("Ort"), lambda row: Cell(f"{row.postcode} {row.city}".strip())),
        Column[Address](_("E-Mail"), lambda row: Cell(row.email)),
        Column[Address](_("Telefon"), lambda row: Cell(row.phone)),
        Column[Address](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=(
        *("number", "name", "city", "email", "phone"),
        *("contacts__name", "contacts__email", "contacts__phone"),
    ),
    title=_("Adressen"),
    new=_("Adresse anlegen"),
    empty=_("Noch keine Adresse. Legen Sie Kunden und Lieferanten mit ihren Ansprechpartnern an."),
    icon="contact",
    see=Right.SEE_ADDRESSES,
    change=Right.EDIT_ADDRESSES,
    # The pages lie above this app: only their names are used here.
    page="crm:address",
    pages=(("documents:delivery", _("Versandvorgaben")),),
    lines=ContactLines,
    lines_title=pgettext_lazy("several", "Ansprechpartner"),
)

SECTIONS: tuple[Section[Any], ...] = (PROJECTS, QUEUES, EMPLOYEES, USERS, ADDRESSES)
