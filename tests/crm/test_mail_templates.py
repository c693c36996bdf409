"""„Vorlage laden“ in a mail at the page of an address: the letter templates, with their files."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from documents.attach_file import attach_to_template
from documents.models import LetterTemplate
from mailcore.parse import parse
from mailstore.blobs import delete_blob
from mailstore.read import read_raw
from tests.crm.desk import HTMX, Desk, make_desk, sent
from tests.documents.test_letter_templates import make_template
from tests.factories import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Desk:
    return make_desk(client)


@pytest.fixture
def invitation(desk: Desk) -> LetterTemplate:
    template = make_template(
        "Einladung",
        kind="brief",
        subject="Einladung von {FIRMA}",
        text="<p>{ANREDE},</p><p>{IF}{NUMMER}{THEN}zu Beleg {NUMMER}{ELSE}wir laden Sie ein."
        "{ENDIF}</p><p>{MITARBEITER}</p>",
    )
    pdf = SimpleUploadedFile("Anfahrt.pdf", b"%PDF-1.4\n", "application/pdf")
    attach_to_template(template=template, file=pdf)
    return template


def load(desk: Desk, wanted: object, **values: object) -> str:
    values = desk.values(wanted_template=str(wanted), is_edited="1", **values)
    response = desk.client.post(desk.url("mail_template"), values, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


def test_a_template_of_letters_gives_subject_text_and_files(
    desk: Desk, invitation: LetterTemplate
) -> None:
    html = load(desk, invitation.pk)
    assert 'value="Einladung von Musterfirma GmbH"' in html
    assert "Sehr geehrter Herr Huber," in html
    assert "wir laden Sie ein." in html
    assert "zu Beleg" not in html
    assert "Petra Klein" in html
    assert "hx-confirm" not in html, "what was loaded is nobody's text yet"
    file = invitation.files.get()
    assert f'name="template_files" value="{file.pk}" checked' in html
    desk.send(template=invitation.pk, template_files=file.pk)
    assert desk.status == 200
    mail = parse(read_raw(sent().message))
    assert [one.filename for one in mail.attachments] == ["Anfahrt.pdf"]


def test_offered_is_what_fits_the_address(desk: Desk, invitation: LetterTemplate) -> None:
    make_template("Mahnung", kind="rechnung")
    make_template("Invitation", kind="brief", language="en")
    make_template("Alt", kind="brief", is_active=False)
    make_template("Nordtext", kind="brief", project=make_project("NORD", name="Nord"))
    html = desk.client.get(desk.url()).content.decode()
    picker = html.partition('name="wanted_template"')[2].partition("</select>")[0]
    for name in ("Einladung<", "Nordtext (NORD – Nord)<", "Anrede und Gruß<"):
        assert name in picker
    for name in ("Mahnung", "Invitation", "Alt<"):
        assert name not in picker
    stranger = LetterTemplate.objects.get(name="Mahnung")
    assert "Betreff Mahnung" not in load(desk, stranger.pk)


def test_back_to_salutation_and_greeting(desk: Desk, invitation: LetterTemplate) -> None:
    html = load(desk, "", template=invitation.pk, to="")
    assert 'value="Unser Treffen"' in html
    assert "Mit freundlichen Grüßen" in html
    assert "template_files" not in html


def test_edited_text_is_asked_for_and_without_javascript_the_page_comes_back(
    desk: Desk, invitation: LetterTemplate
) -> None:
    values = desk.values(to="kein@@mensch", is_edited="1", template=invitation.pk)
    response = desk.client.post(desk.url(), values, headers=HTMX)
    assert response.status_code == 422
    assert "hx-confirm" in response.content.decode()
    page = desk.client.post(desk.url("mail_template"), {**values, "wanted_template": invitation.pk})
    assert "Einladung von Musterfirma GmbH" in page.content.decode()
    assert 'value="kein@@mensch"' in page.content.decode()


def test_a_file_that_is_gone_is_said_where_it_stands(
    desk: Desk, invitation: LetterTemplate
) -> None:
    file = invitation.files.get()
    delete_blob(file.sha256)
    html = desk.send(template=invitation.pk, template_files=file.pk)
    assert desk.status == 422
    assert (
        "„Anfahrt.pdf“ ist nicht mehr vorhanden." in html.partition("mail-template_files_error")[2]
    )
