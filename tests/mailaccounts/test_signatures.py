"""The signature of a mail: which one, its variables, its pictures, and its place in the body."""

from __future__ import annotations

import base64

import pytest

from company.models import Employee, Project
from mailaccounts.compose_body import Quoted, compose_body
from mailaccounts.models import MailAccount
from mailaccounts.signatures import Signature, choose_signature
from mailcore.build import build
from mailcore.messages import Draft, Mailbox
from mailcore.parse import parse, read_part
from tests.factories import make_account, make_employee, make_project, set_company

pytestmark = pytest.mark.django_db

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n logo").decode()
LOGO = f'<img src="data:image/png;base64,{PNG}" alt="Logo" width="120">'
EMPTY = ("", "   ", "<p><br></p>", "<div>&nbsp;</div>", "<!-- nichts -->", "<style>p{}</style>")
OWN = Signature("<p>Gruß</p>", "Gruß", "")


def _levels(
    *, account: str = "", project: str = "", company: str = "", active: bool = True
) -> tuple[MailAccount, Project]:
    set_company(signature_html=company)
    return (
        make_account(signature_active=active, signature_html=account, description="Support"),
        make_project("N", signature_active=active, signature_html=project),
    )


@pytest.mark.parametrize(
    ("account", "project", "company", "expected", "source"),
    [
        ("<p>A</p>", "<p>P</p>", "<p>C</p>", "A", "Signatur des Accounts „Support“"),
        ("", "<p>P</p>", "<p>C</p>", "P", "Signatur des Projekts „N“"),
        ("", "", "<p>C</p>", "C", "Standardsignatur der Grundeinstellungen"),
        ("", "", "", "", "ohne Signatur"),
        (LOGO, "<p>P</p>", "", "[Logo]", "Signatur des Accounts „Support“"),
    ],
)
def test_the_first_level_with_a_signature_wins(
    account: str, project: str, company: str, expected: str, source: str
) -> None:
    at, within = _levels(account=account, project=project, company=company)
    found = choose_signature(account=at, project=within, employee=None)
    assert (found.text, found.source) == (expected, source)


@pytest.mark.parametrize("blank", EMPTY)
def test_what_shows_nothing_is_no_signature(blank: str) -> None:
    at, within = _levels(account=blank, project=blank, company="<p>C</p>")
    assert choose_signature(account=at, project=within, employee=None).text == "C"


def test_an_inactive_signature_is_passed_over() -> None:
    at, within = _levels(account="<p>A</p>", project="<p>P</p>", company="<p>C</p>", active=False)
    assert choose_signature(account=at, project=within, employee=None).text == "C"
    assert choose_signature(account=None, project=None, employee=None).text == "C"


def _filled(html: str, employee: Employee | None) -> Signature:
    account = make_account(signature_active=True, signature_html=html)
    return choose_signature(account=account, project=None, employee=employee)


def test_a_line_with_an_empty_number_disappears_with_its_label() -> None:
    html = "<p>{MITARBEITER}<br>Tel. {MITARBEITER_TELEFON}<br>Mobil {MITARBEITER_MOBIL}</p>"
    petra = make_employee("Petra Klein", phone="0821 1")
    assert _filled(html, petra).text == "Petra Klein\nTel. 0821 1"
    assert _filled("<p>Es grüßt {MITARBEITER}</p>", None).text == "Es grüßt"


def test_variables_are_filled_in_as_text() -> None:
    petra = make_employee("Petra <b>Klein</b> & Co", phone="0821 1", email="p@firma.de")
    found = _filled("<p>{MITARBEITER}<br>{MITARBEITER_TELEFON}</p>", petra)
    assert found.html == "<p>Petra &lt;b&gt;Klein&lt;/b&gt; &amp; Co<br>0821 1</p>"
    assert found.text == "Petra <b>Klein</b> & Co\n0821 1"


def test_a_line_with_nothing_but_an_empty_variable_disappears() -> None:
    petra = make_employee("Petra", phone="", mobile="0170 1", fax="")
    html = (
        "<p>{MITARBEITER}<br>{MITARBEITER_TELEFON}<br>{MITARBEITER_MOBIL}</p>"
        "<p>{MITARBEITER_TELEFAX}</p><p>Firma</p>"
    )
    found = _filled(html, petra)
    assert found.text == "Petra\n0170 1\n\nFirma"
    assert "<p></p>" not in found.html


def test_without_an_employee_no_variable_is_left_standing() -> None:
    found = _filled("<p>{MITARBEITER}</p><p>Firma</p>", None)
    assert "{" not in found.html + found.text
    assert found.text == "Firma"


def test_outlook_tables_survive_and_scripts_do_not() -> None:
    html = (
        '<table border="0" cellpadding="0" style="border-collapse:collapse"><tr>'
        '<td width="120" valign="top" style="font-family:Arial;color:#333333">'
        '<a href="https://firma.de" onclick="x()">Firma</a><script>alert(1)</script>'
        '<a href="javascript:alert(1)">x</a></td></tr></table>'
    )
    found = _filled(html, None)
    for kept in ("<table", 'cellpadding="0"', "border-collapse", "font-family", "https://firma.de"):
        assert kept in found.html
    for gone in ("script", "onclick", "alert"):
        assert gone not in found.html


def test_pictures_travel_as_cid_parts_once() -> None:
    found = _filled(f"<p>{LOGO}{LOGO}</p>", None)
    (picture,) = found.files
    assert found.html.count(f'src="cid:{picture.content_id}"') == 2
    assert "data:" not in found.html
    draft = Draft(
        from_=Mailbox("", "a@firma.de"),
        to=(Mailbox("", "b@x.de"),),
        subject="x",
        text=found.text,
        html=found.html,
        files=found.files,
    )
    raw = build(draft)
    parsed = parse(raw)
    (attachment,) = parsed.attachments
    assert (attachment.content_id, attachment.is_inline) == (picture.content_id, True)
    assert read_part(raw, attachment.path) == base64.b64decode(PNG)


@pytest.mark.parametrize(
    "source", ["data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,<svg/>", "data:kaputt"]
)
def test_other_data_addresses_are_no_pictures(source: str) -> None:
    found = _filled(f'<p>Firma<img src="{source}"></p>', None)
    assert found.files == ()
    assert "data:" not in found.html


class TestBody:
    def test_the_signature_follows_plain_text_behind_its_mark(self) -> None:
        body = compose_body(text="Hallo\n\n", signature=OWN)
        assert (body.text, body.html) == ("Hallo\n\n-- \nGruß", "")

    def test_a_text_may_place_the_signature_itself(self) -> None:
        body = compose_body(text="Hallo\n{SIGNATUR}\nPS", signature=OWN)
        assert body.text == "Hallo\nGruß\nPS"
        body = compose_body(text="", html="<p>Hallo</p>{SIGNATUR}<p>PS</p>", signature=OWN)
        assert body.html == "<p>Hallo</p><p>Gruß</p><p>PS</p>"
        assert body.text.count("Gruß") == 1

    def test_html_brings_its_plain_text(self) -> None:
        body = compose_body(text="", html="<p>Hallo <b>Welt</b></p>", signature=OWN)
        assert body.text == "Hallo Welt\n\n-- \nGruß"
        assert body.html.startswith("<p>Hallo <b>Welt</b></p>")
        assert body.html.count("Gruß") == 1

    def test_the_quote_stands_below_the_signature(self) -> None:
        quoted = Quoted("Am … schrieb:\n> alt", "<blockquote>alt</blockquote>")
        body = compose_body(text="", html="<p>neu</p>", signature=OWN, quoted=quoted)
        assert body.text.index("Gruß") < body.text.index("> alt")
        assert body.html.index("Gruß") < body.html.index("<blockquote>")

    def test_what_is_pasted_into_the_editor_is_cleaned(self) -> None:
        html = f"<p onclick=x>Bild {LOGO}</p><script>alert(1)</script>"
        body = compose_body(text="", html=html, signature=Signature("", "", ""))
        assert "alert" not in body.html + body.text
        assert len(body.files) == 1

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ("<div>{CONTENT}</div>", "<div><p>neu</p><br><div><p>Gruß</p></div></div>"),
            ("<div>{CONTENT}</div><hr>{SIGNATUR}", "<div><p>neu</p></div><hr><p>Gruß</p>"),
            ("<pre>{TEXT}</pre>{SIGNATUR}", "<pre>neu</pre><p>Gruß</p>"),
        ],
    )
    def test_the_template_frames_the_mail(self, template: str, expected: str) -> None:
        body = compose_body(text="", html="<p>neu</p>", signature=OWN, template=template)
        assert body.html == expected

    def test_values_are_not_read_as_templates(self) -> None:
        body = compose_body(
            text="Er schrieb {TEXT} <b>", signature=Signature("", "", ""), template="{CONTENT}"
        )
        assert body.html == "Er schrieb {TEXT} &lt;b&gt;"

    def test_pictures_of_a_signature_stay_out_of_plain_mail(self) -> None:
        signature = _filled(LOGO, None)
        assert compose_body(text="Hallo", signature=signature).files == ()
        assert compose_body(text="", html="<p>x</p>", signature=signature).files
