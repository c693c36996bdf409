"""„Brief“: a document with a subject and a text in place of positions."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from documents.freeze import read_pdf
from documents.models import Document
from tests.factories import make_address, make_contact, make_user, set_company

pytestmark = pytest.mark.django_db
EMPTY_ROWS = {"pos-TOTAL_FORMS": "1", "pos-INITIAL_FORMS": "0"}


@pytest.fixture
def staff(client: Client) -> Client:
    set_company(name="Musterfirma GmbH", greeting="Mit freundlichen Grüßen")
    client.force_login(make_user("max", role="staff"))
    return client


def write(client: Client, **values: str) -> Any:
    address = make_address("Huber GmbH", number="10001")
    contact = make_contact(address, salutation="Herr")
    page = reverse("documents:create", args=["brief"])
    shown = client.get(f"{page}?adresse={address.pk}").content.decode()
    assert "Betreff" in shown
    assert "Positionen" not in shown
    given = {
        "address": "10001",
        "contact": str(contact.pk),
        "date": "2026-11-28",
        "subject": "Ihr Besuch am Montag",
        "intro": "{ANREDE},\n\nwir freuen uns auf Sie.",
        **EMPTY_ROWS,
    }
    return client.post(page, given | values)


def test_a_letter_is_written_released_and_goes_on_to_be_dispatched(staff: Client) -> None:
    response = write(staff, abschicken="1")
    letter = Document.objects.get(kind__key="brief")
    assert response.headers["Location"] == reverse("documents:dispatch", args=[letter.pk])
    assert (letter.state, letter.number) == ("freigegeben", "900000")
    text = PdfReader(io.BytesIO(read_pdf(letter))).pages[0].extract_text()
    for words in (
        "Ihr Besuch am Montag",
        "Sehr geehrter Herr Huber,",
        "wir freuen uns auf Sie.",
        "Mit freundlichen Grüßen",
    ):
        assert words in text
    assert "Bezeichnung" not in text, "no table of positions"
    page = staff.get(reverse("documents:detail", args=[letter.pk])).content.decode()
    assert "Sehr geehrter Herr Huber," in page
    assert "{ANREDE}" not in page
    dialog = staff.get(reverse("documents:dispatch", args=[letter.pk])).content.decode()
    assert 'value="Ihr Besuch am Montag"' in dialog


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"subject": ""}, "id_subject_error"), ({"intro": " "}, "Bitte schreiben Sie einen Text.")],
)
def test_a_letter_without_subject_or_text_is_refused_at_the_field(
    staff: Client, values: dict[str, str], reason: str
) -> None:
    response = write(staff, **values)
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not Document.objects.exists()
