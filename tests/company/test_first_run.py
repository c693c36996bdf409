"""The very first page: one administrator, whoever else tries at the same time."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.test import Client

from company.models import CompanySettings, Employee, Project, Queue, User
from company.set_up import FirstRun, set_up
from tests.factories import make_user

VALUES = {
    "company": "Nordlicht GmbH",
    "name": "Petra Klein",
    "username": "petra",
    "email": "petra@nordlicht.example",
    "password": "ein-gutes-Wort-7",
    "password_again": "ein-gutes-Wort-7",
}


@pytest.mark.django_db
def test_every_page_leads_to_the_first_form_while_there_is_nobody(client: Client) -> None:
    assert client.get("/tickets/")["Location"] == "/willkommen/"
    assert "Willkommen bei Poststelle" in client.get("/willkommen/").content.decode()


@pytest.mark.django_db
def test_the_form_makes_an_administrator_and_the_first_base_data(client: Client) -> None:
    response = client.post("/willkommen/", VALUES)
    assert (response.status_code, response["Location"]) == (302, "/einrichtung/")
    user = User.objects.get()
    assert (user.role, user.get_full_name()) == ("admin", "Petra Klein")
    assert user.check_password(VALUES["password"])
    assert CompanySettings.load().name == "Nordlicht GmbH"
    assert Queue.objects.get().name == "Support"
    assert Project.objects.exists()
    assert Employee.objects.get().user == user
    page = client.get("/einrichtung/").content.decode()
    for step in ("Grundeinstellungen", "E-Mail Account", "Warteschlange", "Testmail"):
        assert step in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password_again": "anders"}, "sind verschieden"),
        ({"password": "12345678", "password_again": "12345678"}, "id_password_error"),
        ({"company": ""}, "id_company_error"),
        ({"username": "petra klein"}, "id_username_error"),
    ],
)
def test_bad_input_is_refused(client: Client, change: dict[str, str], message: str) -> None:
    response = client.post("/willkommen/", VALUES | change)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_afterwards_the_page_is_gone(client: Client) -> None:
    make_user()
    assert client.post("/willkommen/", VALUES)["Location"] == "/"
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_becomes_administrator() -> None:
    barrier = threading.Barrier(4)
    made: list[User | None] = []

    def go(number: int) -> None:
        barrier.wait(timeout=10)
        try:
            made.append(
                set_up(FirstRun(f"Firma {number}", "A B", f"u{number}", "", "wort-Wort-77"))
            )
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(made) == 4
    assert sum(user is not None for user in made) == User.objects.count() == 1
    number = User.objects.get().username.removeprefix("u")
    assert CompanySettings.load().name == f"Firma {number}"
