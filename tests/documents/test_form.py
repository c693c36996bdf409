"""Writing a document: the form, releasing it, withdrawing the release."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from documents.dispatch_content import Channel
from documents.forms.document import DocumentForm
from documents.models import Document
from tests.documents.screens import client_of, form_values, office_client
from tests.documents.sending import make_invoice, send
from tests.factories import make_address, make_contact, make_document

pytestmark = pytest.mark.django_db


def test_a_document_is_created_with_the_next_number_and_german_amounts() -> None:
    address = make_address(number="10002")
    make_invoice(number="400000", address=address)  # given by hand: passed over
    client = client_of("staff")
    url = reverse("documents:create", args=["rechnung"])
    assert "vielen Dank" in client.get(url).content.decode()
    rows = (
        {"text": "Kugellager", "quantity": "2,5", "price": "1.234,50"},
        {"text": ""},  # the empty row at the end
        {"text": "Weg damit", "DELETE": "on"},
        {"text": "Fracht", "price": "10", "tax_rate": "7"},
    )
    response = client.post(url, form_values(*rows))
    document = Document.objects.latest("pk")
    assert response.headers["Location"] == reverse("documents:detail", args=[document.pk])
    assert (document.number, document.state) == ("400001", Document.State.DRAFT)
    stored = document.positions.values_list("text", "quantity", "price", "tax_rate")
    assert [tuple(map(str, row)) for row in stored] == [
        ("Kugellager", "2.500", "1234.50", "19.0"),
        ("Fracht", "1.000", "10.00", "7.0"),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"address": ""}, "zwingend"),
        ({"address": "99999"}, "Diese Adresse gibt es nicht"),
        ({"date": "morgen"}, "gültiges Datum"),
        ({"number": "400500"}, "Diese Nummer ist schon vergeben."),
        ({"pos-0-price": "viel"}, "Zahl"),
        ({"pos-0-text": ""}, "zwingend"),
        ({"pos-0-tax_rate": "-1"}, "größer"),
        ({"contact": "4711"}, "gültige Auswahl"),
    ],
)
def test_a_wrong_form_is_answered_with_422_and_the_reason(
    changed: dict[str, str], said: str
) -> None:
    make_invoice(number="400500", address=make_address(number="10002"))
    values = form_values({"text": "Kugellager", "price": "9,90"}) | changed
    response = client_of("staff").post(reverse("documents:create", args=["rechnung"]), values)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert "Bitte 1 Angabe prüfen" in response.content.decode()
    assert Document.objects.count() == 1


def test_the_contact_person_must_belong_to_the_address() -> None:
    make_address(number="10002")
    foreign = make_contact(make_address(number="10003"), "Fremder")
    values = form_values({"text": "x"}, contact=str(foreign.pk))
    response = client_of("staff").post(reverse("documents:create", args=["rechnung"]), values)
    assert response.status_code == 422


def test_the_same_number_given_twice_at_once_is_refused_and_not_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_invoice(number="400500", address=make_address(number="10002"))
    monkeypatch.setattr(DocumentForm, "clean_number", lambda form: form.cleaned_data["number"])
    response = client_of("staff").post(
        reverse("documents:create", args=["rechnung"]), form_values({"text": "x"}, number="400500")
    )
    assert response.status_code == 422
    assert "Diese Nummer ist schon vergeben." in response.content.decode()
    assert Document.objects.count() == 1


def test_a_delivery_note_asks_for_no_prices() -> None:
    make_address(number="10002")
    client = client_of("staff")
    url = reverse("documents:create", args=["lieferschein"])
    assert "pos-0-price" not in client.get(url).content.decode()
    client.post(url, form_values({"text": "Kugellager", "quantity": "3"}))
    (position,) = Document.objects.get().positions.all()
    assert str(position) == "Kugellager"


def test_editing_keeps_number_and_unchanged_rows_and_replaces_the_rest() -> None:
    document = make_document(
        number="400009",
        address=make_address(number="10002"),
        positions=(("Bleibt", "1", "5", "19"), ("Geht", "1", "5", "19")),
    )
    client = client_of("staff")
    url = reverse("documents:edit", args=[document.pk])
    assert "Bleibt" in client.get(url).content.decode()
    rows = ({"text": "Bleibt", "price": "5,00"}, {"text": "Geht", "DELETE": "on"}, {"text": "Neu"})
    values = form_values(*rows, **{"pos-INITIAL_FORMS": "2", "number": "1"})
    assert client.post(url, values).status_code == 302
    document.refresh_from_db()
    assert document.number == "400009"
    assert [position.text for position in document.positions.all()] == ["Bleibt", "Neu"]


def test_a_released_document_cannot_be_edited_until_the_release_is_withdrawn() -> None:
    document = make_invoice(address=make_address(number="10002"))
    client = client_of("staff")
    edit = reverse("documents:edit", args=[document.pk])
    detail = reverse("documents:detail", args=[document.pk])
    answer = client.post(edit, form_values({"text": "Heimlich"}), follow=True)
    assert answer.redirect_chain == [(detail, 302)]
    assert "Nehmen Sie die Freigabe zurück" in answer.content.decode()
    assert not document.positions.filter(text="Heimlich").exists()
    client.post(reverse("documents:withdraw", args=[document.pk]))
    assert client.get(edit).status_code == 200


def test_release_needs_a_position_and_withdrawing_ends_with_the_first_dispatch() -> None:
    office, client = office_client()
    empty = make_document(positions=())
    release = reverse("documents:release", args=[empty.pk])
    assert "keine Position" in client.post(release, follow=True).content.decode()
    empty.refresh_from_db()
    assert empty.is_draft

    document = make_invoice()
    send(office, document, Channel.PHONE)
    withdraw = reverse("documents:withdraw", args=[document.pk])
    assert "schon abgeschickt" in client.post(withdraw, follow=True).content.decode()
    document.refresh_from_db()
    assert document.is_sent


def test_an_own_pdf_is_checked_shown_and_sent_instead_of_the_letter() -> None:
    _, client = office_client()
    make_address(number="10002")
    url = reverse("documents:create", args=["rechnung"])
    own = b"%PDF-1.4 eigener Inhalt"
    values: dict[str, Any] = {**form_values(), "own_pdf": SimpleUploadedFile("x.pdf", b"MZ")}
    assert "keine PDF-Datei" in client.post(url, values).content.decode()
    values["own_pdf"] = SimpleUploadedFile("x.pdf", own)
    client.post(url, values)
    document = Document.objects.get()
    pdf = client.get(reverse("documents:pdf", args=[document.pk]))
    assert pdf.content == own
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Content-Disposition"] == f'inline; filename="RE{document.number}.pdf"'
    client.post(
        reverse("documents:edit", args=[document.pk]), {**form_values(), "remove_own_pdf": "on"}
    )
    document.refresh_from_db()
    assert document.own_pdf_sha256 == ""


def test_sums_suggestions_and_contacts_answer_while_one_types() -> None:
    client = client_of("staff")
    address = make_address("Huber & Söhne GmbH", number="10002")
    make_contact(address, "Eva Groß")
    make_address("Maier AG", number="10003")
    rows = ({"text": "a", "price": "100"}, {"text": "b", "price": "noch nich"})
    sums = client.post(reverse("documents:totals"), form_values(*rows)).content.decode()
    assert "119,00 €" in sums
    typed = client.get(reverse("documents:address_suggestions"), {"address": "söhne"})
    assert "10002 – Huber &amp; Söhne GmbH" in typed.content.decode()
    assert "Maier" not in typed.content.decode()
    contacts = client.get(
        reverse("documents:contact_options"), {"address": "10002 – Huber & Söhne GmbH"}
    )
    assert "Eva Groß" in contacts.content.decode()
    nobody = client.get(reverse("documents:contact_options"), {"address": "99"})
    assert nobody.status_code == 200
