"""The log of changed settings: every save path writes it, secrets never appear, the page filters."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from company.audit import Hidden, Snapshot, record_changes, snapshot_stored
from company.models import CompanySettings, Employee, Project, Queue, SettingsChange, User
from tests.browser_forms import form_values
from tests.factories import (
    PASSWORD,
    make_account,
    make_address,
    make_employee,
    make_project,
    make_queue,
    make_user,
)

pytestmark = pytest.mark.django_db
Line = tuple[str, str, str, str]


@pytest.fixture(autouse=True)
def chefin(client: Client) -> User:
    user = make_user("chefin", role="admin")
    client.force_login(user)
    return user


def lines() -> set[Line]:
    """(kind, field, before, after) of everything logged since the last look."""
    found = {(c.kind, c.field, c.before, c.after) for c in SettingsChange.objects.all()}
    SettingsChange.objects.all().delete()
    return found


def save(client: Client, page: str, form: str = "@method='post'", **changes: list[str]) -> None:
    response = client.post(page, form_values(client.get(page), form) | changes)
    assert response.status_code == 302, response.content.decode()


def test_base_data_is_logged_with_before_and_after(client: Client) -> None:
    petra = make_user("petra")
    project, queue = make_project("NORD"), make_queue("Support", key="support")
    employee = make_employee("Petra Klein", user=petra)
    save(client, f"/projekte/{project.pk}/", name=["Vertrieb"])
    assert lines() == {("project", "Bezeichnung", "Projekt NORD", "Vertrieb")}
    save(client, f"/warteschlangen/{queue.pk}/", members=[str(petra.pk)])
    assert lines() == {("queue", "Sichtbar für", "", "petra")}
    save(client, f"/mitarbeiter/{employee.pk}/", phone=["040 1"], is_active=[])
    assert lines() == {
        ("employee", "Telefon", "", "040 1"),
        ("employee", "Aktiv", "ja", "nein"),
    }
    save(client, f"/benutzer/{petra.pk}/", role=["admin"], new_password=["ein-Geheimnis-77"])
    assert lines() == {
        ("user", "Rolle", "Mitarbeiter", "Administrator"),
        ("user", "Passwort", "", "geändert"),
    }
    save(client, "/grundeinstellungen/", "@enctype='multipart/form-data'", iban=["DE02"])
    assert lines() == {("company", "IBAN", "", "DE02")}
    client.post("/grundeinstellungen/pausieren/", {"sending_paused": "on"})
    assert lines() == {("company", "Versand angehalten", "nein", "ja")}


def test_saving_without_a_change_logs_nothing(client: Client) -> None:
    project = make_project("NORD")
    save(client, f"/projekte/{project.pk}/")
    save(client, "/grundeinstellungen/", "@enctype='multipart/form-data'")
    save(client, "/adressen/neu/", number=["1"], name=["Huber"])
    make_address()
    assert lines() == set()


def test_creating_and_deleting(client: Client, chefin: User) -> None:
    save(client, "/benutzer/neu/", username=["neu"], new_password=["ein-Geheimnis-77"])
    found = lines()
    assert ("user", "", "", "angelegt") in found
    assert ("user", "Rolle", "", "Mitarbeiter") in found
    assert not any("Geheimnis" in text for line in found for text in line)
    new = User.objects.get(username="neu")
    client.post(f"/benutzer/{new.pk}/loeschen/")
    change = SettingsChange.objects.get()
    assert (change.user, change.user_name, change.label) == (chefin, "chefin", "neu")
    assert (change.before, change.after) == ("gelöscht", "")


def test_all_panels_of_an_account_are_logged(client: Client) -> None:
    account, petra = make_account(imap_enabled=False), make_user("petra")
    employee = make_employee("Petra Klein")
    page = reverse("mailaccounts:edit", args=[account.pk])
    old_default = make_account(is_default=True)
    changes = {
        "imap-display_name": ["Neu"],
        "imap-password": ["ein-Geheimnis-77"],
        "smtp-allowed": ["@firma.example"],
        "smtp-is_default": ["on"],
        "employees-employees": [str(employee.pk)],
        f"rights-read_{petra.pk}": ["on"],
        "autoresponder-is_active": ["on"],
        "autoresponder-subject": ["Danke"],
        "autoresponder-text": ["Wir melden uns."],
        "signature-signature_active": ["on"],
        "signature-signature_html": ["<p>Gruß</p>"],
    }
    save(client, page, "@id='account-form'", **changes)
    of_other = SettingsChange.objects.filter(object_id=old_default.pk).get()
    assert (of_other.field, of_other.before, of_other.after) == ("Standard-Account", "ja", "nein")
    of_other.delete()
    found = lines()
    assert found >= {
        ("account", "Angezeigter Name", "Firma GmbH", "Neu"),
        ("account", "IMAP: Passwort", "", "geändert"),
        ("account", "Weitere erlaubte Absender", "", "@firma.example"),
        ("account", "Standard-Account", "nein", "ja"),
        ("account", "Mitarbeiter", "", "Petra Klein"),
        ("account", "Rechte", "", "petra: lesen"),
        ("account", "Autoresponder: Betreff", "", "Danke"),
        ("account", "Signatur", "", "<p>Gruß</p>"),
    }
    assert not any("Geheimnis" in text for line in found for text in line)
    client.post(reverse("mailaccounts:pause", args=[account.pk]))
    assert [field for _kind, field, _before, _after in lines()] == ["Pausiert seit"]
    client.post(reverse("mailaccounts:delete", args=[account.pk]))
    assert {field for _kind, field, _before, _after in lines()} >= {"Gelöscht am", "IMAP: Passwort"}


def test_own_password_and_name_are_logged(client: Client, chefin: User) -> None:
    save(client, "/persoenlich/", last_name=["Chef"], theme=["dark"])
    assert lines() == {("user", "Nachname", "", "Chef")}
    new = {"password": "ein-neues-Wort-7", "password_again": "ein-neues-Wort-7"}
    client.post("/persoenlich/passwort/", {"current": PASSWORD, **new})
    assert lines() == {("user", "Passwort", "", "geändert")}


def test_a_refused_save_logs_nothing(client: Client) -> None:
    make_queue(key="support")
    queue = make_queue("Verkauf", key="verkauf")
    page = f"/warteschlangen/{queue.pk}/"
    refused = client.post(page, form_values(client.get(page)) | {"key": ["support"], "name": ["X"]})
    assert refused.status_code == 422
    assert lines() == set()


def test_every_setting_is_in_a_snapshot() -> None:
    """A field that is added to these models is logged without anybody thinking of it."""
    queue = make_queue(answer_to_closed="new")
    taken = snapshot_stored(queue)
    assert taken is not None
    assert len(taken.values) == len(Queue._meta.concrete_fields) - 1 + 1  # without id, with members
    for model in (Project, Employee, CompanySettings):
        row = model.objects.create(pk=1)
        taken = snapshot_stored(row)
        assert taken is not None
        assert len(taken.values) == len(model._meta.concrete_fields) - 1


def test_long_texts_are_shown_around_the_difference(chefin: User) -> None:
    text = "a" * 5000
    kind = SettingsChange.Kind.COMPANY
    was = Snapshot(kind, 1, "Firma", {"Signatur": text + "alt" + text, "Geheimnis": Hidden.of("1")})
    now = Snapshot(kind, 1, "Firma", {"Signatur": text + "neu" + text, "Geheimnis": Hidden("")})
    signature, secret = record_changes(chefin, was, now)
    assert "alt" in signature.before
    assert "neu" in signature.after
    assert len(signature.before) < 700
    assert (secret.before, secret.after) == ("", "entfernt")


def test_the_page_filters_by_person_and_object(client: Client, chefin: User) -> None:
    hans = make_user("hans", role="admin")
    first, second = make_project("EINS"), make_project("ZWEI")
    save(client, f"/projekte/{first.pk}/", name=["Erstes"])
    client.force_login(hans)
    save(client, f"/projekte/{second.pk}/", name=["Zweites"])
    page = "/protokoll/"

    def shown(**query: str | int) -> tuple[bool, bool]:
        html = client.get(page, query).content.decode()
        return "Erstes" in html, "Zweites" in html

    assert shown() == (True, True)
    assert shown(person=hans.pk) == (False, True)
    assert shown(art="project", nummer=first.pk) == (True, False)
    assert shown(art="user") == (False, False)
    assert shown(q="ZWEI Bezeichnung") == (False, True)
    assert shown(art="unsinn", nummer="x") == (True, True)
    client.force_login(make_user(role="auditor"))
    assert shown() == (True, True)
    client.force_login(make_user(role="staff"))
    assert client.get(page).status_code == 403
