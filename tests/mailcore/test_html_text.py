"""HTML to readable text."""

from __future__ import annotations

import pytest

from mailcore.html_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Eins</p><p>Zwei</p>", "Eins\n\nZwei"),
        ("Eins<br>Zwei<br/>Drei", "Eins\nZwei\nDrei"),
        ("<div>Eins</div><div>Zwei</div>", "Eins\nZwei"),
        ("<p>viel\n   Platz &amp; &uuml;ber&nbsp;all</p>", "viel Platz & über all"),
        ('<a href="https://x.example/a">hier</a>', "hier <https://x.example/a>"),
        ('<a href="https://x.example/">www.x.example</a>', "www.x.example"),
        ('<a href="mailto:a@x.example?subject=b">a@x.example</a>', "a@x.example"),
        ('<a href="javascript:alert(1)">hier</a>', "hier"),
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        (
            "Neu<blockquote>alt<blockquote>uralt</blockquote></blockquote>",
            "Neu\n\n> alt\n>\n> > uralt",
        ),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\n3"),
        ("<head><title>T</title><style>p{}</style></head><body>X</body>", "X"),
        ("<script>var a='<p>';</script>X<style>x</style>Y", "XY"),
        ("<!-- weg --><!doctype html>X<![if mso]>Y<![endif]>", "XY"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<img alt="Logo">', "[Logo]"),
        ("a < b und c > d", "a < b und c > d"),
        ('<p title="a > b">X</p>', "X"),
        ("<p>offen", "offen"),
        ("<head><meta x><body>ohne Ende des Kopfes", "ohne Ende des Kopfes"),
        ("&#0;&#xD800;X", "\ufffd\ufffdX"),
        ("", ""),
    ],
)
def test_reads_as_a_person_would_write_it(html: str, text: str) -> None:
    assert html_to_text(html) == text
