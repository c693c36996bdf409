"""Variables in templates."""

from __future__ import annotations

import pytest

from mailcore.placeholders import fill, unknown

VALUES = {
    "TICKET": "4711",
    "NAME": "Hans <b>Müller</b> & Söhne",
    "LEER": "",
    "BLANK": "  ",
    "ADRESSE": "Weg 1\n12345 Ort",
    "FALLE": "{TICKET}",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("Ticket {TICKET}.", "Ticket 4711."),
        ("{NAME}", "Hans <b>Müller</b> & Söhne"),
        ("{FALLE}", "{TICKET}"),
        ("{UNBEKANNT} {ticket} {} { TICKET }", "{UNBEKANNT} {ticket} {} { TICKET }"),
        ("a\n{LEER}\nb", "a\nb"),
        ("a\r\n {LEER} \r\nb", "a\r\nb"),
        ("a\n{LEER}{BLANK}\nb", "a\nb"),
        ("a\n{LEER} {TICKET}\nb", "a\n 4711\nb"),
        ("a\n{LEER}{UNBEKANNT}\nb", "a\n{UNBEKANNT}\nb"),
        ("a\nTelefon: {LEER}\nb", "a\nTelefon: \nb"),
        ("a\n\nb\n{LEER}", "a\n\nb\n"),
        ("{LEER}", ""),
        ("{ADRESSE}", "Weg 1\n12345 Ort"),
    ],
)
def test_text(template: str, expected: str) -> None:
    assert fill(template, VALUES, escape=False) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<p>{NAME}</p>", "<p>Hans &lt;b&gt;Müller&lt;/b&gt; &amp; Söhne</p>"),
        ('<a href="x?{TICKET}">{TICKET}</a>', '<a href="x?4711">4711</a>'),
        ('<a title="{ADRESSE}">x</a>', '<a title="Weg 1 12345 Ort">x</a>'),
        ("<p>{ADRESSE}</p>", "<p>Weg 1<br>\n12345 Ort</p>"),
        ("<p>a</p><p>{LEER}</p><p>b</p>", "<p>a</p><p>b</p>"),
        ("<p>a</p>\n<p> <b>{LEER}</b>&nbsp;</p>\n<p>b</p>", "<p>a</p>\n\n<p>b</p>"),
        ("<div>a<br>{LEER}<br>b</div>", "<div>a<br>b</div>"),
        ("<div>a<br>{LEER}</div>", "<div>a</div>"),
        ("<div>{LEER}<br/>b</div>", "<div>b</div>"),
        ("<p>{LEER}<br>{BLANK}</p>b", "b"),
        ("<p><b>a<br>{LEER}</b></p>", "<p><b>a<br></b></p>"),
        ("<table><tr><td>{LEER}</td></tr></table>", "<table><tr><td></td></tr></table>"),
        ("<p>Tel: {LEER}</p>", "<p>Tel: </p>"),
        ("<p><a href='tel:{LEER}'>{LEER}</a></p>b", "b"),
        ("<p><img src='cid:x'>{LEER}</p>", "<p><img src='cid:x'></p>"),
        ("<p>{UNBEKANNT}</p>", "<p>{UNBEKANNT}</p>"),
        ("<p></p><br><p>x</p>", "<p></p><br><p>x</p>"),
        ("1 < 2 {TICKET} <", "1 < 2 4711 <"),
        ("<!-- {LEER} --><p>a</p>", "<!--  --><p>a</p>"),
        ("a<br>{LEER}", "a"),
    ],
)
def test_html(template: str, expected: str) -> None:
    assert fill(template, VALUES, escape=True) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<p>a<br>Mobil {LEER}</p>", "<p>a</p>"),
        (
            "<p>a</p><p><b>Tel.:</b>&nbsp;<a href='tel:{LEER}'>{LEER}</a></p><p>b</p>",
            "<p>a</p><p>b</p>",
        ),
        ("a<br>Direkte Durchwahl: {LEER}<br>b", "a<br>b"),
        ("a<br>E-Mail: {LEER}{BLANK}<br>b", "a<br>b"),
        ("a<br>Mobil {TICKET}<br>b", "a<br>Mobil 4711<br>b"),
        # What says something without the variable stays.
        ("a<br>Hafenstraße 12, Tel. {LEER}<br>b", "a<br>Hafenstraße 12, Tel. <br>b"),
        ("a<br>Mobil {LEER} (nur werktags)<br>b", "a<br>Mobil  (nur werktags)<br>b"),
        ("a<br>Muster GmbH {LEER}<br>b", "a<br>Muster GmbH <br>b"),
        ("a<br>Tel. {TICKET} Mobil {LEER}<br>b", "a<br>Tel. 4711 Mobil <br>b"),
    ],
)
def test_an_empty_variable_takes_its_label_along(template: str, expected: str) -> None:
    assert fill(template, VALUES, escape=True, labelled=("LEER", "BLANK", "TICKET")) == expected


def test_values_cannot_break_out_of_an_attribute() -> None:
    filled = fill('<a title="{X}">x</a>', {"X": '"><script>'}, escape=True)
    assert filled == '<a title="&quot;&gt;&lt;script&gt;">x</a>'


def test_unknown_variables_are_listed_once_in_order() -> None:
    template = "{B} {TICKET} {A_1} {B} {ÜBER} {klein}"
    assert unknown(template, VALUES) == ("B", "A_1", "ÜBER")
