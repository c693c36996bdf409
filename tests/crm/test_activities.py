"""Calls and notes: written, changed, pinned, taken back, brought back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import Address
from crm.models import Activity, ActivityChange
from tests.crm.world import call, make_customer, note
from tests.factories import make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "compose"}


@pytest.fixture
def address() -> Address:
    return make_customer()


@pytest.fixture
def petra(client: Client) -> Client:
    client.force_login(make_user("petra", role="support"))
    return client


def client_of(name: str, role: str = "staff") -> Client:
    client = Client()
    client.force_login(make_user(name, role=role))
    return client


def url(address: Address, name: str, *keys: int) -> str:
    return reverse(f"crm:{name}", args=[address.pk, *keys])


def call_values(**values: str) -> dict[str, str]:
    when = timezone.localtime() - timedelta(hours=2)
    return {
        "direction": "out",
        "person": "Hans Huber",
        "happened_at": when.strftime("%Y-%m-%dT%H:%M"),
        "minutes": "9",
        "text": "Nimmt das Angebot an.",
        "once_key": "0123456789abcdef",
        **values,
    }


def test_a_call_is_noted_once_and_stands_in_the_timeline(petra: Client, address: Address) -> None:
    for _ in range(2):
        response = petra.post(url(address, "call"), call_values(), headers=HTMX)
        assert response.status_code == 200
    found = Activity.objects.get()
    assert (found.direction, found.person, found.minutes) == ("out", "Hans Huber", 9)
    html = response.content.decode()
    assert "Angerufen, 9 Minuten" in html
    assert "petra → Hans Huber" in html


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": " "}, "text"),
        ({"direction": ""}, "direction"),
        ({"happened_at": "gestern"}, "happened_at"),
        ({"happened_at": "2099-01-01T10:00"}, "happened_at"),
        ({"minutes": "-3"}, "minutes"),
    ],
)
def test_a_wrong_call_is_refused_at_the_field(
    petra: Client, address: Address, values: dict[str, str], field: str
) -> None:
    response = petra.post(url(address, "call"), call_values(**values), headers=HTMX)
    assert response.status_code == 422
    assert f'id="activity-{field}_error"' in response.content.decode()
    assert not Activity.objects.exists()


def test_without_htmx_the_form_stands_on_the_page(petra: Client, address: Address) -> None:
    page = petra.get(url(address, "note")).content.decode()
    assert "<h1>Huber GmbH</h1>" in page
    assert 'id="activity-text"' in page
    response = petra.post(url(address, "note"), {"text": "Zahlt pünktlich", "is_pinned": "on"})
    assert response.headers["Location"] == url(address, "address")
    assert Activity.objects.get().is_pinned
    assert "pinned" in petra.get(url(address, "address")).content.decode()


def test_a_change_keeps_what_was_there_before(petra: Client, address: Address) -> None:
    petra.post(url(address, "call"), call_values())
    found = Activity.objects.get()
    form = petra.get(url(address, "activity_edit", found.pk)).content.decode()
    assert "Nimmt das Angebot an." in form
    petra.post(url(address, "activity_edit", found.pk), call_values(text="Nimmt es nicht an."))
    found.refresh_from_db()
    assert found.text == "Nimmt es nicht an."
    assert found.edited_at is not None
    shown = petra.get(url(address, "activity_history", found.pk)).content.decode()
    assert "Nimmt das Angebot an." in shown
    assert "ausgehend · Hans Huber · 9 Min." in shown
    petra.post(url(address, "activity_edit", found.pk), call_values(text="Nimmt es nicht an."))
    assert ActivityChange.objects.count() == 1, "nothing was different"


def test_deleting_can_be_undone_and_is_recorded(petra: Client, address: Address) -> None:
    petra.post(url(address, "note"), {"text": "Zahlt pünktlich"})
    found = Activity.objects.get()
    gone = petra.post(url(address, "activity_delete", found.pk), headers=HTMX).content.decode()
    restore = url(address, "activity_restore", found.pk)
    assert restore in gone
    assert "Zahlt pünktlich" not in gone
    assert petra.get(url(address, "activity_history", found.pk)).status_code == 404
    assert petra.post(restore, headers=HTMX).headers["HX-Redirect"] == url(address, "address")
    assert "Zahlt pünktlich" in petra.get(url(address, "address")).content.decode()
    kinds = ActivityChange.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["deleted", "restored"]


def test_a_note_is_pinned_and_loosened(petra: Client, address: Address) -> None:
    petra.post(url(address, "note"), {"text": "Zahlt pünktlich"})
    pin = url(address, "activity_pin", Activity.objects.get().pk)
    assert "Angeheftet" in petra.post(pin, headers=HTMX).content.decode()
    assert "Angeheftet" not in petra.post(pin, headers=HTMX).content.decode()


def test_others_read_but_do_not_change(petra: Client, address: Address) -> None:
    author = make_user("max")
    found = call(address, author)
    page = petra.get(url(address, "address")).content.decode()
    assert "Rückruf" in page
    assert url(address, "activity_edit", found.pk) not in page
    assert petra.get(url(address, "activity_edit", found.pk)).status_code == 404
    for name in ("activity_edit", "activity_delete", "activity_pin", "activity_restore"):
        assert petra.post(url(address, name, found.pk)).status_code == 404
        assert (
            client_of(f"p-{name}", "auditor").post(url(address, name, found.pk)).status_code == 403
        )
    found.refresh_from_db()
    assert (found.text, found.deleted_at) == ("Rückruf", None)


def test_an_entry_belongs_to_its_address_and_buttons_are_no_links(
    petra: Client, address: Address
) -> None:
    other = make_customer("Andere GmbH")
    petra.post(url(address, "note"), {"text": "Hier"})
    found = Activity.objects.get()
    assert petra.get(url(other, "activity_edit", found.pk)).status_code == 404
    for name in ("activity_delete", "activity_pin", "activity_restore"):
        assert petra.get(url(address, name, found.pk)).status_code == 405
    assert client_of("pruefer", "auditor").get(url(address, "note")).status_code == 403
    assert note(address, make_user("max")).once_key
