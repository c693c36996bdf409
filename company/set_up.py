"""The first run: one administrator, the company's name, a first queue and project."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from company.audit import record_changes, snapshot_stored
from company.models import CompanySettings, Employee, Project, Queue, User


@dataclass(frozen=True, slots=True)
class FirstRun:
    company: str
    name: str
    username: str
    email: str
    password: str


def set_up(values: FirstRun) -> User | None:
    """Creates all of it, or returns None because somebody else was first.

    1. The UPDATE of the one settings row makes a second caller wait for our commit;
    2. the look for users comes after it and so sees what the first caller committed.
    """
    with transaction.atomic():
        CompanySettings.load()
        CompanySettings.objects.filter(pk=1).update(name=values.company, email=values.email)
        if User.objects.exists():
            transaction.set_rollback(True)
            return None
        first_name, _space, last_name = values.name.strip().rpartition(" ")
        user = User.objects.create_user(
            username=values.username,
            email=values.email,
            password=values.password,
            first_name=first_name,
            last_name=last_name,
            role=User.Role.ADMIN,
        )
        Employee.objects.get_or_create(
            user=user, defaults={"name": values.name, "email": values.email}
        )
        record_changes(user, None, snapshot_stored(user))
        Queue.objects.get_or_create(key="support", defaults={"name": _("Support")})
        Project.objects.get_or_create(code="STANDARD", defaults={"name": _("Allgemein")})
        return user
