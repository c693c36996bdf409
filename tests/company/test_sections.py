"""Lists and forms of base data: projects, queues, employees, users, addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from company.models import Address, CompanySettings, Employee, Project, Queue, User
from company.sections import SECTIONS
from tests.browser_forms import form_values
from tests.factories import make_account, make_employee, make_project, make_queue, make_user

pytestmark = pytest.mark.django_db

VALID: dict[str, dict[str, Any]] = {
    "projects": {"code": "NORD", "name": "Nordlicht", "is_active": "on"},
    "queues": {"name": "Einkauf", "key": "einkauf", "answer_to_closed": "new"},
    "employees": {"name": "Petra Klein", "email": "petra@firma.example", "is_active": "on"},
    "users": {
        "username": "hans",
        "role": "support",
        "is_active": "on",
        "new_password": "ein-gutes-Wort-7",
    },
    "addresses": {
        "number": "10001",
        "kind": "supplier",
        "name": "Huber KG",
        "language": "en",
        "contacts-TOTAL_FORMS": "2",
        "contacts-INITIAL_FORMS": "0",
        "contacts-0-name": "Hans Huber",
        "contacts-0-email": "hans@huber.example",
    },
}


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user("chefin", role="admin")
    client.force_login(user)
    return user


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
@pytest.mark.usefixtures("admin")
def test_create_find_change_delete(client: Client, section: Any) -> None:
    before = section.model.objects.count()
    created = client.post(reverse(f"company:{section.key}_new"), VALID[section.key])
    assert created.status_code == 302, created.content.decode()
    row = section.model.objects.order_by("-pk").first()
    page = reverse(f"company:{section.key}_edit", args=[row.pk])
    first = next(iter(section.show([row]))).cells[0][1].text
    listed = client.get(reverse(f"company:{section.key}"), {"q": str(first)}).content.decode()
    assert section.url_of(row) in listed
    assert (
        page
        not in client.get(reverse(f"company:{section.key}"), {"q": "gibtsnicht"}).content.decode()
    )
    values = form_values(client.get(page))
    again = client.post(page, values)
    assert again.status_code == 302, again.content.decode()
    deleted = client.post(reverse(f"company:{section.key}_delete", args=[row.pk]))
    assert deleted.status_code == 302
    assert section.model.objects.count() == before


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
@pytest.mark.usefixtures("admin")
def test_an_empty_form_names_what_is_missing(client: Client, section: Any) -> None:
    data = {"contacts-TOTAL_FORMS": "0", "contacts-INITIAL_FORMS": "0"}
    response = client.post(reverse(f"company:{section.key}_new"), data)
    assert response.status_code == 422
    assert 'id="errors"' in response.content.decode()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
@pytest.mark.parametrize("role", ["staff", "support", "auditor"])
def test_rights(client: Client, section: Any, role: str) -> None:
    """Settings are the administrator's; the auditor looks, staff and support edit addresses only."""
    client.force_login(make_user(role=role))
    make_user("chefin", role="admin")
    sees = section.key == "addresses" or role == "auditor"
    changes = section.key == "addresses" and role != "auditor"
    assert client.get(reverse(f"company:{section.key}")).status_code == (200 if sees else 403)
    response = client.post(reverse(f"company:{section.key}_new"), VALID[section.key])
    assert response.status_code == (302 if changes else 403)


def test_the_auditor_sees_a_form_that_cannot_be_sent(client: Client) -> None:
    client.force_login(make_user(role="auditor"))
    page = reverse("company:projects_edit", args=[make_project("NORD").pk])
    html = client.get(page).content.decode()
    assert "disabled" in html
    assert "savebar" not in html
    assert client.post(page, VALID["projects"]).status_code == 403


@pytest.mark.usefixtures("admin")
def test_what_is_still_used_is_kept_and_the_user_is_named(client: Client) -> None:
    project = make_project("NORD")
    make_account(project=project)
    page = client.post(reverse("company:projects_delete", args=[project.pk]), follow=True)
    assert "wird noch gebraucht (E-Mail Account)" in page.content.decode()
    assert Project.objects.filter(pk=project.pk).exists()


@pytest.mark.usefixtures("admin")
def test_a_queue_key_is_taken_once_in_any_case(client: Client) -> None:
    make_queue(key="einkauf")
    response = client.post(reverse("company:queues_new"), VALID["queues"] | {"key": "EINKAUF"})
    assert response.status_code == 422
    assert "Diese Kennung hat schon" in response.content.decode()
    assert Queue.objects.count() == 1


def test_the_only_administrator_stays_one(client: Client, admin: User) -> None:
    page = reverse("company:users_edit", args=[admin.pk])
    values = form_values(client.get(page))
    changes: tuple[dict[str, list[str]], ...] = ({"role": ["staff"]}, {"is_active": []})
    for change in changes:
        response = client.post(page, values | change)
        assert response.status_code == 422
        assert "einzige Administrator" in response.content.decode()
    deleted = client.post(reverse("company:users_delete", args=[admin.pk]), follow=True)
    assert "nicht selbst löschen" in deleted.content.decode()
    make_user("zweiter", role="admin")
    assert client.post(page, values | {"role": ["staff"]}).status_code == 302


@pytest.mark.usefixtures("admin")
def test_an_empty_password_keeps_the_old_one(client: Client) -> None:
    user = make_user("petra")
    page = reverse("company:users_edit", args=[user.pk])
    values = form_values(client.get(page))
    client.post(page, values | {"new_password": [""], "last_name": ["Klein"]})
    user.refresh_from_db()
    assert (user.last_name, user.check_password("geheim")) == ("Klein", True)
    client.post(page, values | {"new_password": ["ganz-neues-Wort-1"]})
    user.refresh_from_db()
    assert user.check_password("ganz-neues-Wort-1")


@pytest.mark.usefixtures("admin")
def test_contact_persons_are_kept_with_their_address(client: Client) -> None:
    client.post(reverse("company:addresses_new"), VALID["addresses"])
    address = Address.objects.get()
    assert (address.kind, address.contacts.get().email) == ("supplier", "hans@huber.example")
    page = reverse("company:addresses_edit", args=[address.pk])
    values = form_values(client.get(page)) | {"contacts-0-DELETE": ["on"]}
    assert client.post(page, values).status_code == 302
    assert not address.contacts.exists()


@pytest.mark.usefixtures("admin")
def test_settings_keep_the_logo_until_it_is_removed(client: Client) -> None:
    page = reverse("company:settings")
    values: dict[str, Any] = dict(form_values(client.get(page), "@enctype"))
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 40
    values |= {"name": "Nordlicht GmbH", "city": "Kiel"}
    upload = {"logo_file": SimpleUploadedFile("logo.png", png)}
    assert client.post(page, values | upload).status_code == 302
    assert client.post(page, values).status_code == 302
    row = CompanySettings.load()
    assert (row.name, row.city, bytes(row.logo)) == ("Nordlicht GmbH", "Kiel", png)
    shown = client.get(reverse("company:logo"))
    assert (shown["Content-Type"], shown.content) == ("image/png", png)
    assert client.post(page, values | {"remove_logo": "on"}).status_code == 302
    assert bytes(CompanySettings.load().logo) == b""
    assert client.get(reverse("company:logo")).status_code == 404


@pytest.mark.usefixtures("admin")
def test_a_logo_must_be_a_picture(client: Client) -> None:
    values: dict[str, Any] = dict(form_values(client.get("/grundeinstellungen/"), "@enctype"))
    upload = {"logo_file": SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>")}
    response = client.post("/grundeinstellungen/", values | upload)
    assert response.status_code == 422
    assert "PNG oder JPEG" in response.content.decode()


@pytest.mark.usefixtures("admin")
def test_the_emergency_brake_and_the_settings_do_not_undo_each_other(client: Client) -> None:
    values = form_values(client.get("/grundeinstellungen/"), "@enctype")
    client.post("/grundeinstellungen/pausieren/", {"sending_paused": "on"})
    client.post("/grundeinstellungen/", values | {"name": ["Nordlicht"]})
    row = CompanySettings.load()
    assert (row.name, row.sending_paused, row.fetching_paused) == ("Nordlicht", True, False)
    client.post("/grundeinstellungen/pausieren/", {})
    assert not CompanySettings.load().sending_paused


def test_only_administrators_pull_the_brake(client: Client) -> None:
    client.force_login(make_user(role="auditor"))
    assert (
        client.post("/grundeinstellungen/pausieren/", {"sending_paused": "on"}).status_code == 403
    )
    assert client.get("/grundeinstellungen/").status_code == 200


@pytest.mark.usefixtures("admin")
def test_lists_ask_the_database_the_same_number_of_times(
    client: Client,
) -> None:
    client.get("/mitarbeiter/")  # makes the row of Grundeinstellungen
    counts = []
    for more in (1, 30):
        for number in range(more):
            make_employee(f"Person {number}", user=make_user())
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/mitarbeiter/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Employee.objects.count() == 31
