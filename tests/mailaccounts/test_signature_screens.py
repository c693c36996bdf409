"""Signatures in their editors: kept to the letter, previewed as they are sent, and how they arrive."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from lxml import html as lxml_html

from company.models import CompanySettings, Project
from mailaccounts.compose_body import compose_body
from mailaccounts.models import MailAccount
from mailaccounts.signatures import choose_signature
from mailcore.messages import Draft, Mailbox
from mailcore.parse import parse, read_part
from outbox.deliver import deliver_account
from tests.browser_forms import form_values
from tests.factories import make_account, make_employee, make_project, make_user, set_company
from tests.outbox.outgoing import account_for, queue
from tests.servers.smtp_sink import Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("admin")]

OUTLOOK = (Path(__file__).parent / "outlook-signature.html").read_text(encoding="utf-8").strip()
PREVIEW = "/accounts/signatur/vorschau/"
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 200).decode()


def _account() -> tuple[str, str, Callable[[], str]]:
    account = make_account(signature_active=True, signature_html=OUTLOOK, imap_enabled=False)
    page = reverse("mailaccounts:edit", args=[account.pk])
    return page, "signature-signature_html", lambda: MailAccount.objects.get().signature_html


def _project() -> tuple[str, str, Callable[[], str]]:
    project = make_project(signature_active=True, signature_html=OUTLOOK)
    page = reverse("company:projects_edit", args=[project.pk])
    return page, "signature_html", lambda: Project.objects.get(pk=project.pk).signature_html


def _company() -> tuple[str, str, Callable[[], str]]:
    set_company(signature_html=OUTLOOK)
    page = reverse("company:settings")
    return page, "signature_html", lambda: CompanySettings.load().signature_html


def _values(client: Client, page: str, field: str) -> dict[str, list[str]]:
    values = form_values(client.get(page), f".//textarea[@name='{field}']")
    # Browsers drop the line end that follows the tag; the parser of the tests does not.
    return values | {field: [values[field][0].removeprefix("\n")]}


@pytest.mark.parametrize("make", [_account, _project, _company])
def test_an_outlook_signature_survives_being_saved(
    client: Client, make: Callable[[], tuple[str, str, Callable[[], str]]]
) -> None:
    page, field, stored = make()
    values = _values(client, page, field)
    assert values[field] == [OUTLOOK]
    # What a browser makes of the line ends in a text area.
    sent = values | {field: [values[field][0].replace("\n", "\r\n")]}
    assert client.post(page, sent).status_code == 302
    assert stored() == OUTLOOK
    html = client.get(page).content.decode()
    assert "MITARBEITER_TELEFAX" in html
    assert f'hx-post="{PREVIEW}"' in html


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("data:image/png;base64," + "A" * 2_700_000, "größer als 2 MB"),
        ("data:image/bmp;base64,AAAA", "PNG, JPEG, GIF oder WebP"),
        ("file:///C:/Users/petra/logo.png", "liegt nur auf Ihrem Rechner"),
        ("cid:image001.png@01D9", "liegt nur auf Ihrem Rechner"),
    ],
)
@pytest.mark.parametrize("make", [_account, _project, _company])
def test_a_picture_that_cannot_be_sent_is_refused(
    client: Client,
    make: Callable[[], tuple[str, str, Callable[[], str]]],
    picture: str,
    words: str,
) -> None:
    page, field, stored = make()
    values = _values(client, page, field) | {field: [f'<p>Gruß <img alt="" src="{picture}"></p>']}
    answer = client.post(page, values)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert stored() == OUTLOOK


def preview(client: Client, html: str, **more: object) -> str:
    values = {"feld": "signature_html", "signature_html": html, **more}
    answer = client.post(PREVIEW, values)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_preview_shows_what_is_sent_for_the_chosen_employee(client: Client) -> None:
    make_employee("Anna Alt", phone="0821 1", email="anna@firma.example")
    petra = make_employee("Petra Klein", phone="0821 2", mobile="", email="p@firma.example")
    text = preview(client, OUTLOOK, **{"vorschau-mitarbeiter": petra.pk})
    page: Any = lxml_html.fromstring(text)
    (frame,) = page.xpath("//iframe")
    assert frame.get("sandbox") == "allow-same-origin"
    shown = frame.get("srcdoc")
    assert "Petra Klein" in shown
    assert "0821 2" in shown
    assert "{MITARBEITER" not in shown
    assert shown.count("data:image/png;base64,") == 1
    assert "border-collapse" in shown
    assert "1 Bild geht als Datei" in text
    (plain,) = page.xpath("//pre")
    assert "Petra Klein" in plain.text
    assert "{" not in plain.text
    assert page.xpath("//option[@selected]")[0].text == "Petra Klein"
    assert "Anna Alt" in preview(client, OUTLOOK)


def test_the_preview_begins_with_oneself(client: Client) -> None:
    make_employee("Anna Alt")
    user = make_user("petra", role="admin")
    make_employee("Petra Klein", user=user)
    client.force_login(user)
    page: Any = lxml_html.fromstring(preview(client, "<p>{MITARBEITER}</p>"))
    assert "Petra Klein" in page.xpath(".//iframe/@srcdoc")[0]


def test_the_preview_runs_nothing_and_says_what_is_wrong(client: Client) -> None:
    text = unescape(preview(client, "<p onclick=x()>Gruß</p><script>alert(1)</script>"))
    assert "alert" not in text
    assert "onclick" not in text
    assert "Die Signatur ist leer." in preview(client, "")
    assert "größer als 2 MB" in preview(
        client, f'<img src="data:image/png;base64,{"A" * 2_700_000}">'
    )
    client.force_login(make_user(role="staff"))
    assert client.post(PREVIEW, {"feld": "x"}).status_code == 403


def test_how_it_arrives(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, signature_active=True, signature_html=OUTLOOK)
    petra = make_employee("Petra Klein", phone="0821 2", mobile="", email="p@firma.example")
    signature = choose_signature(account=account, project=None, employee=petra)
    body = compose_body(text="", html="<p>Guten Tag</p>", signature=signature)
    draft = Draft(
        from_=Mailbox("", account.email),
        to=(Mailbox("", "hans@huber.example"),),
        subject="Angebot",
        text=body.text,
        html=body.html,
        files=body.files,
    )
    queue(account, draft=draft)
    assert deliver_account(account.pk).sent == 1

    (received,) = smtp_sink.received
    mail = parse(received.raw)
    (logo,) = mail.attachments
    assert logo.is_inline
    assert f'src="cid:{logo.content_id}"' in mail.html
    sent_picture = OUTLOOK.partition("base64,")[2].partition('"')[0]
    assert read_part(received.raw, logo.path) == base64.b64decode(sent_picture)
    assert "data:" not in mail.html
    for words in ("Petra Klein", "Telefon: 0821 2", "p@firma.example"):
        assert words in mail.html
        assert words in mail.text
    assert "{MITARBEITER" not in mail.html + mail.text
    # The empty mobile number leaves no empty line behind.
    assert "0821 2\np@firma.example" in mail.text.replace("\n\n", "\n")
    for kept in ('font-family: "Calibri"', "border-collapse", "#0B5CAD", 'cellpadding="0"'):
        assert kept.lower() in mail.html.lower()
