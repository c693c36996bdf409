"""The printed letter: what stands on it, page breaks, the same bytes for the same content."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from documents.freeze import read_pdf
from documents.german_format import format_amount
from documents.letter import Letter, compose_letter
from documents.models import Document
from documents.pdf import render_pdf
from tests.factories import (
    make_address,
    make_contact,
    make_document,
    make_employee,
    make_user,
    set_company,
)

pytestmark = pytest.mark.django_db

LOGO = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def make_company_invoice(count: int = 2, kind: str = "rechnung") -> Document:
    set_company(
        name="Musterfirma GmbH",
        street="Holzstraße 7",
        postcode="86150",
        city="Augsburg",
        country="Deutschland",
        iban="DE02120300000000202051",
        register="Amtsgericht Augsburg HRB 12345",
        vat_id="DE123456789",
        greeting="Mit freundlichen Grüßen",
    )
    address = make_address(
        "Huber & Söhne GmbH",
        number="10002",
        street="Äußere Übelstraße 12a",
        postcode="1010",
        city="Wien",
        country="Österreich",
    )
    user = make_user("petra")
    make_employee("Petra Klein", user=user, phone="0821 20")
    return make_document(
        kind,
        number="400042",
        date=date(2026, 11, 23),
        address=address,
        contact=make_contact(address, "Eva Groß", salutation="Frau Dr."),
        created_by=user,
        intro="{ANREDE},\n\nwir berechnen Ihnen {BETRAG}:",
        closing="Zahlbar bis 07.12.2026.",
        positions=tuple(
            (f"Kugellager Größe {number}", "1000", "1.25", "19" if number % 2 else "7")
            for number in range(1, count + 1)
        ),
    )


def test_everything_a_letter_needs_stands_on_it_in_german() -> None:
    pdf = read_pdf(make_company_invoice())
    (text,) = pages_of(pdf)
    for part in (
        "Musterfirma GmbH · Holzstraße 7 · 86150 Augsburg",
        "Huber & Söhne GmbH",
        "Frau Dr. Eva Groß",
        "Äußere Übelstraße 12a",
        "1010 Wien",
        "ÖSTERREICH",
        "Rechnung 400042",
        "23.11.2026",
        "10002",
        "Sehr geehrte Frau Dr. Groß,",
        "wir berechnen Ihnen 2.825,00 €:",
        "Kugellager Größe 1",
        "1.000 Stk.",
        "1.250,00",
        "Summe netto",
        "zzgl. 19 % USt. auf 1.250,00 €",
        "237,50 €",
        "zzgl. 7 % USt. auf 1.250,00 €",
        "87,50 €",
        "Gesamtbetrag",
        "Zahlbar bis 07.12.2026.",
        "Mit freundlichen Grüßen",
        "Petra Klein",
        "IBAN DE02 1203 0000 0000 2020 51",
        "Amtsgericht Augsburg HRB 12345",
        "Seite 1 von 1",
    ):
        assert part in text
    information = PdfReader(io.BytesIO(pdf)).metadata
    assert information is not None
    assert information.title == "Rechnung 400042"


def test_an_invoice_names_the_time_of_supply() -> None:
    document = make_company_invoice()
    assert ("Leistungsdatum", "23.11.2026") in compose_letter(document).info
    document.service_date = "Oktober 2026"
    assert ("Leistungsdatum", "Oktober 2026") in compose_letter(document).info


def test_a_long_table_repeats_its_head_and_carries_the_sum_over() -> None:
    pages = pages_of(read_pdf(make_company_invoice(45)))
    assert len(pages) == 3
    for number, text in enumerate(pages, start=1):
        assert f"Seite {number} von 3" in text
        assert "Einzelpreis" in text
    assert [text.count("Übertrag") for text in pages] == [1, 2, 1]
    printed = [len(re.findall(r"Kugellager Größe \d+", text)) for text in pages]
    assert sum(printed) == 45
    carried = (printed[0], printed[0] + printed[1])
    for count, before, after in zip(carried, pages, pages[1:], strict=False):
        amount = format_amount(Decimal("1250.00") * count)
        assert amount in before
        assert amount in after
    joined = "".join(pages)
    assert all(f"Kugellager Größe {number}" in joined for number in range(1, 46))
    assert joined.count("Gesamtbetrag") == 1
    assert "Huber & Söhne GmbH" not in pages[1]


@pytest.mark.parametrize("count", range(14, 24))
def test_no_length_loses_the_sums_or_the_greeting(count: int) -> None:
    joined = "".join(pages_of(read_pdf(make_company_invoice(count))))
    assert joined.count("Gesamtbetrag") == 1
    assert joined.count("Mit freundlichen Grüßen") == 1
    assert all(f"Kugellager Größe {number}" in joined for number in range(1, count + 1))


def test_a_delivery_note_shows_no_prices() -> None:
    (text,) = pages_of(read_pdf(make_company_invoice(kind="lieferschein")))
    assert "1.000 Stk." in text
    for part in ("Einzelpreis", "1.250,00", "Gesamtbetrag", "USt. auf"):
        assert part not in text


def test_equal_content_gives_equal_bytes_and_other_content_others() -> None:
    letter = compose_letter(make_company_invoice(30))
    assert render_pdf(letter) == render_pdf(letter)
    assert render_pdf(letter) != render_pdf(replace(letter, closing="Zahlbar sofort."))


@pytest.mark.parametrize(
    "changed",
    [
        {"logo": LOGO},
        {"lines": (), "sums": ()},
        {"intro": "", "closing": "", "greeting": ""},
        {"closing": "Zeile\n" * 150},
        {"address": ("Donaudampfschifffahrtsgesellschaftskapitän" * 4, "Straße", "Ort")},
        {"footer": ()},
        {"footer": (("x" * 90,),) * 4},
        {"title": "Sonderrechnung " + "9" * 200},
        {"company": "", "return_line": "", "signatory": ""},
    ],
)
def test_odd_content_is_printed_all_the_same(changed: dict[str, object]) -> None:
    letter: Letter = replace(compose_letter(make_company_invoice()), **changed)  # type: ignore[arg-type]
    assert "Seite 1 von" in pages_of(render_pdf(letter))[0]


def test_one_endless_word_is_broken_and_not_cut() -> None:
    document = make_company_invoice()
    document.positions.update(text="A" * 500)
    assert "".join(pages_of(read_pdf(document))).count("A") >= 1000


def test_our_own_country_is_not_printed() -> None:
    document = make_company_invoice()
    document.address.country = "deutschland"
    assert compose_letter(document).address[-1] == "1010 Wien"


@pytest.mark.parametrize(
    ("salutation", "name", "greeting"),
    [
        ("Herr", "Hans Huber", "Sehr geehrter Herr Huber"),
        ("Herrn Dr.", "Hans Huber", "Sehr geehrter Herr Dr. Huber"),
        ("Frau", "Eva van der Groß", "Sehr geehrte Frau Groß"),
        ("", "Eva Groß", "Sehr geehrte Damen und Herren"),
        ("Firma", "Huber GmbH", "Sehr geehrte Damen und Herren"),
        ("Liebe Eva,", "Eva Groß", "Liebe Eva"),
    ],
)
def test_the_salutation_fits_the_person(salutation: str, name: str, greeting: str) -> None:
    address = make_address()
    document = make_document(
        address=address,
        contact=make_contact(address, name, salutation=salutation),
        intro="{ANREDE},",
    )
    assert compose_letter(document).intro == f"{greeting},"
