"""„Geschäftsbriefvorlagen“: which one fits, what it says, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from documents.letter_templates import fitting_templates, suggested_text
from documents.mail import variables_of
from documents.models import DocumentKind, LetterTemplate
from mailcore.conditions import BadCondition, check_conditions, fill_conditional
from tests.documents.sending import make_invoice, make_office
from tests.factories import make_address, make_contact, make_project, make_user

pytestmark = pytest.mark.django_db


def make_template(name: str, **values: Any) -> LetterTemplate:
    kind = DocumentKind.objects.get(key=values.pop("kind", "rechnung"))
    defaults = {"subject": f"Betreff {name}", "text": f"<p>Text {name}</p>"}
    return LetterTemplate.objects.create(name=name, kind=kind, **{**defaults, **values})


@pytest.mark.parametrize(
    ("language", "has_project", "there_are", "order"),
    [
        ("de", True, "lp l p k", "lp l p k"),
        ("de", True, "k p l", "l p k"),
        ("de", False, "lp l p k", "l k"),
        ("en", True, "lp l p k", "p k"),
        ("en", True, "lp l", ""),
        ("de", False, "other off", ""),
    ],
)
def test_the_most_fitting_comes_first(
    language: str, has_project: bool, there_are: str, order: str
) -> None:
    north = make_project("NORD")
    values: dict[str, dict[str, Any]] = {
        "lp": {"language": "de", "project": north},
        "l": {"language": "de"},
        "p": {"project": north},
        "k": {},
        "other": {"kind": "angebot"},
        "off": {"is_active": False},
    }
    for name in there_are.split():
        make_template(name, **values[name])
    address = make_address(language=language)
    document = make_invoice(address=address, project=north if has_project else None)
    assert " ".join(one.name for one in fitting_templates(document)) == order


def test_without_any_the_text_of_the_kind_is_offered() -> None:
    office = make_office()
    document = make_invoice(number="400042")
    subject, text = suggested_text(document, None, variables_of(document, office.user))
    assert subject == "Ihre Rechnung 400042 von Musterfirma GmbH"
    assert "Sehr geehrter Herr Huber,<br>" in text or "Sehr geehrter Herr Huber," in text


def test_variables_speak_the_templates_language_and_are_escaped() -> None:
    office = make_office()
    address = make_address("Kraut & Rüben", language="en")
    document = make_invoice(
        address=address, contact=make_contact(address, "Ann Lee", salutation="Ms")
    )
    template = make_template(
        "x", language="en", text="<p>{ANREDE}, {KUNDENNUMMER}</p><p>{PROJEKT}</p>"
    )
    _subject, text = suggested_text(document, template, variables_of(document, office.user))
    assert text == f"<p>Dear Ms Lee, {address.number}</p>"


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{IF}{A}{THEN}ja{ELSE}nein{ENDIF}", "ja"),
        ("{IF}{LEERES}{THEN}ja{ELSE}nein{ENDIF}", "nein"),
        ("vor {IF}{LEERES}{THEN}ja{ENDIF}nach", "vor nach"),
        ("eins\n{IF}{LEERES}{THEN}ja{ENDIF}\nzwei", "eins\nzwei"),
        ("{IF}{A} = wert{THEN}gleich{ENDIF}", "gleich"),
        ('{IF}{A} == "WERT"{THEN}gleich{ENDIF}', "gleich"),
        ("{IF}{A} != wert{THEN}anders{ELSE}gleich{ENDIF}", "gleich"),
        ("{IF}{A}{THEN}{IF}{LEERES}{THEN}x{ELSE}innen {A}{ENDIF}!{ENDIF}", "innen Wert!"),
        ("{IF}{TUECKE}{THEN}{TUECKE}{ENDIF}", "{ENDIF}{A}"),
    ],
)
def test_conditions(template: str, filled: str) -> None:
    values = {"A": "Wert", "LEERES": "", "TUECKE": "{ENDIF}{A}"}
    assert fill_conditional(template, values, escape=False) == filled


def test_conditions_in_html_look_through_tags_and_entities() -> None:
    html = "<p>{IF}<b>{A}</b>&nbsp;= &quot;K &amp; R&quot;{THEN}<i>ja</i>{ENDIF}</p>"
    html += "<p>{IF}{B}{THEN}x{ENDIF}</p>"
    assert fill_conditional(html, {"A": "K & R", "B": ""}, escape=True) == "<p><i>ja</i></p>"


@pytest.mark.parametrize(
    ("template", "keyword", "is_missing"),
    [
        ("{IF}{A}{THEN}x", "ENDIF", True),
        ("{IF}{A}x{ENDIF}", "THEN", True),
        ("x{ENDIF}", "ENDIF", False),
        ("{IF}{A}{THEN}x{ELSE}y{ELSE}z{ENDIF}", "ENDIF", True),
        ("{ELSE}", "ELSE", False),
    ],
)
def test_conditions_that_do_not_end_are_named(
    template: str, keyword: str, is_missing: bool
) -> None:
    with pytest.raises(BadCondition) as fault:
        check_conditions(template)
    assert (fault.value.keyword, fault.value.is_missing) == (keyword, is_missing)


# The screen


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("chef", role="admin"))
    return client


def values_of(**values: Any) -> dict[str, Any]:
    kind = DocumentKind.objects.get(key="rechnung")
    return {
        "name": "Dank",
        "kind": str(kind.pk),
        "language": "",
        "project": "",
        "is_active": "on",
        "subject": "Rechnung {NUMMER}",
        "text": "<p>{ANREDE}</p>",
        **values,
    }


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"subject": "{RECHNUNG}"}, "subject", "{RECHNUNG}"),
        ({"subject": "{SIGNATUR}"}, "subject", "{SIGNATUR}"),
        ({"text": "<p>{KUNDE} {NAME}</p>"}, "text", "gibt es nicht: {KUNDE}."),
        ({"text": "<p>{IF}{NAME}{THEN}x</p>"}, "text", "fehlt {ENDIF}"),
        ({"text": "<p>x{ELSE}</p>"}, "text", "{ELSE} gehört zu keiner Bedingung"),
        ({"text": "<p><br></p>"}, "text", "Bitte einen Text angeben."),
        ({"kind": ""}, "kind", "zwingend"),
        ({"new_files": SimpleUploadedFile("a.pdf", b"MZ")}, "new_files", "keine PDF-Datei"),
    ],
)
def test_a_template_that_would_send_nonsense_is_refused_at_its_field(
    admin: Client, changed: dict[str, Any], field: str, said: str
) -> None:
    response = admin.post(reverse("documents:templates_new"), values_of(**changed))
    assert response.status_code == 422
    assert said in " ".join(map(str, response.context["form"].errors[field]))
    assert not LetterTemplate.objects.exists()


def test_a_template_with_files_is_kept_changed_and_previewed(admin: Client) -> None:
    new = reverse("documents:templates_new")
    terms = SimpleUploadedFile("AGB.pdf", b"%PDF-agb")
    assert admin.post(new, values_of(new_files=terms)).status_code == 302
    template = LetterTemplate.objects.get()
    (file,) = template.files.all()
    edit = reverse("documents:templates_edit", args=[template.pk])
    page = admin.get(edit).content.decode()
    shown = reverse("documents:template_file", args=[file.pk])
    assert shown in page
    assert admin.get(shown).content == b"%PDF-agb"
    assert "{ANREDE}" in page
    again = admin.post(new, values_of())
    assert again.status_code == 422
    assert "So heißt schon eine andere Vorlage" in again.content.decode()
    preview = reverse("documents:template_preview")
    made_up = admin.post(preview, values_of(text="<p>{ANREDE}</p>")).content.decode()
    assert "Mit erfundenen Angaben" in made_up
    assert "Sehr geehrte Frau Mustermann" in made_up
    document = make_invoice(number="400042")
    real = admin.post(preview, values_of()).content.decode()
    assert f"Mit den Angaben von {document}" in real
    assert "Rechnung 400042" in real
    wrong = admin.post(preview, values_of(text="{UNSINN}")).content.decode()
    assert "{UNSINN}" in wrong
    removed = values_of(removed_files=[str(file.pk)], subject="Neu")
    assert admin.post(edit, removed).status_code == 302
    template.refresh_from_db()
    assert (template.subject, template.files.count()) == ("Neu", 0)


def test_a_kind_of_ones_own_counts_its_own_numbers(admin: Client) -> None:
    values = {
        "name": "Mahnung", "article": "die", "plural": "Mahnungen", "key": "mahnung",
        "file_prefix": "MA", "first_number": "700", "order": "95", "has_prices": "on",
        "mail_subject": "Mahnung {NUMMER}", "mail_text": "{ANREDE},", "letter_intro": "",
        "letter_closing": "",
    }  # fmt: skip
    new = reverse("documents:kinds_new")
    for field, bad in (("mail_text", "{UNSINN}"), ("file_prefix", "M A"), ("key", "rechnung")):
        response = admin.post(new, {**values, field: bad})
        assert response.status_code == 422
        assert field in response.context["form"].errors
    assert admin.post(new, values).status_code == 302
    make_address(number="10002")
    rows = {"pos-TOTAL_FORMS": "1", "pos-INITIAL_FORMS": "0", "pos-0-text": "Gebühr"}
    position = {"pos-0-quantity": "1", "pos-0-price": "5", "pos-0-tax_rate": "19"}
    url = reverse("documents:create", args=["mahnung"])
    admin.post(url, {"address": "10002", "date": "2026-11-28", **rows, **position})
    kind = DocumentKind.objects.get(key="mahnung")
    assert [one.number for one in kind.document_set.all()] == ["700"]
    delete = admin.post(reverse("documents:kinds_delete", args=[kind.pk]), follow=True)
    assert "wird noch gebraucht (Beleg)" in delete.content.decode()
