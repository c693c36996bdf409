"""Hostile HTML comes out harmless, ordinary HTML comes out whole, and neither takes long."""

from __future__ import annotations

import re
from functools import partial
from html.parser import HTMLParser

import lxml.html
import pytest

from mailcore.html_body import CleanedHtml, clean_html, rewrite_images
from tests.mailcore.counting import count_calls

MOST_CALLS = 2_000_000  # a second of work; what is quadratic needs a hundred times as many
HOSTILE = [
    "<script>alert(1)</script>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<math><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="jAvA&#x09;script:alert(1)">x</a>',
    '<a href=" &#14; javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<img src="javascript:alert(1)">',
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    "<img src=x onerror=alert(1)>",
    '<img """><script>alert("XSS")</script>">',
    '<p style="width:expression(alert(1))">x</p>',
    '<p style="background:url(javascript:alert(1))">x</p>',
    '<p style="position:fixed;top:0;left:0;z-index:9">x</p>',
    '<p style="w\\69 dth:e\\78pression(alert(1))">x</p>',
    '<p style="color:red;}</style><script>alert(1)</script>">x</p>',
    '<p style="color:red<img src=x onerror=alert(1)>">x</p>',
    "<style>@import url(http://evil.example/x.css);</style>",
    '<link rel=stylesheet href="http://evil.example/x.css">',
    '<meta http-equiv="refresh" content="0;url=http://evil.example/">',
    '<base href="http://evil.example/">',
    '<form action="http://evil.example/"><input name=password><button>x</button></form>',
    '<iframe src="http://evil.example/"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="http://evil.example/x.swf"></object><embed src="http://evil.example/">',
    '<img srcset="http://evil.example/1.png 1x" src="cid:a">',
    '<video poster="http://evil.example/p.png"><source src="http://evil.example/v"></video>',
    '<input type=image src="http://evil.example/p.png">',
    '<p onclick="alert(1)" onmouseover=alert(1)>x</p>',
    "<p id=cookie name=forms class=link-warning>x</p>",
    "<template><script>alert(1)</script></template>",
    "<xmp><script>alert(1)</script></xmp><plaintext><script>",
    "<title><img src=x onerror=alert(1)></title>",
    "<textarea><script>alert(1)</script></textarea>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<scr<script>ipt>alert(1)</script>",
    '<a href="/admin/logout">x</a><img src="/admin/delete">',
    "<p data-remote-src=http://evil.example/ data-x=1>x</p>",
]
TAGS = {"a", "p", "div", "span", "img", "table", "tbody", "br", "b"}
ATTRIBUTES = {"href", "target", "rel", "src", "alt", "title", "style", "class", "data-remote-src"}
SAFE_LINK = re.compile(r"(?:https?://|mailto:|tel:)")
SAFE_PICTURE = re.compile(r"(?:cid:|data:image/(?:png|jpeg|gif|webp);base64,)")
UNSAFE_STYLE = re.compile(r"url\(|expression|position|import|[<>\\]", re.IGNORECASE)


class Judge(HTMLParser):
    """Collects what a browser would do with HTML besides showing text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.faults += [tag] if tag not in TAGS else []
        self.faults += [name for name in values if name not in ATTRIBUTES]
        if not SAFE_LINK.match(values.get("href", "https://")):
            self.faults.append(values["href"])
        if not SAFE_PICTURE.match(values.get("src", "cid:")):
            self.faults.append(values["src"])
        if UNSAFE_STYLE.search(values.get("style", "")):
            self.faults.append(values["style"])
        if values.get("class", "link-warning") != "link-warning":
            self.faults.append(values["class"])

    def handle_comment(self, data: str) -> None:
        self.faults.append(data)


@pytest.mark.parametrize("html", HOSTILE)
def test_hostile_html_comes_out_harmless(html: str) -> None:
    cleaned = clean_html(html).html
    assert Judge(cleaned).faults == [], cleaned
    again = clean_html(cleaned.replace(" data-remote-src=", " title=")).html
    assert Judge(again).faults == [], again


def test_the_judge_knows_the_attacks() -> None:
    missed = [html for html in HOSTILE if not Judge(html).faults]
    assert len(missed) <= 2, missed


def test_ordinary_html_stays() -> None:
    html = '<p style="color: red;">Hallo <b>Welt</b></p><table border="1"><tbody><tr><td>1</td>'
    cleaned = clean_html(html + "</tr></tbody></table>")
    assert cleaned == CleanedHtml(html + "</tr></tbody></table>", 0, too_complex=False)


def test_head_style_and_title_vanish_with_their_content() -> None:
    html = "<html><head><title>Titel</title><style>p{color:red}</style></head><body>X</body></html>"
    assert clean_html(html).html == "<div>X</div>"


def test_links_open_safely() -> None:
    cleaned = clean_html('<a href="https://x.example/" target="_self" rel="opener">hier</a>').html
    assert cleaned == (
        '<a href="https://x.example/" target="_blank" rel="noopener noreferrer nofollow">hier</a>'
    )
    assert 'href="https://x.example/"' in clean_html('<a href="//x.example/">a</a>').html


@pytest.mark.parametrize(
    ("href", "label", "host"),
    [
        ("http://evil.example/", "www.bank.example", "evil.example"),
        ("http://evil.example/", "https://bank.example/login", "evil.example"),
        ("https://bank.example@evil.example/", "https://bank.example", "evil.example"),
        ("http://bank.example.evil.test/", "bank.example", "bank.example.evil.test"),
        ("https://xn--bnk-hoa.example/", "bank.example", "xn--bnk-hoa.example"),
        ("http://evil.example/", "www.<b>bank</b>.example", "evil.example"),
        ("https://www.bank.example/x", "bank.example", ""),
        ("https://login.bank.example/", "www.bank.example", ""),
        ("https://x.example/", "hier klicken", ""),
        ("https://x.example/", "Rechnung.pdf", ""),
        ("mailto:a@x.example", "b@y.example", ""),
    ],
)
def test_link_that_names_another_host_is_marked(href: str, label: str, host: str) -> None:
    cleaned = clean_html(f'<a href="{href}">{label}</a>').html
    marked = f'<span class="link-warning"> [{host}]</span>'
    assert cleaned.endswith(marked) if host else "link-warning" not in cleaned


def test_remote_pictures_are_held_back_and_counted() -> None:
    cleaned = clean_html(
        '<body background="http://t.example/b.png">'
        '<img src="https://t.example/p.gif?a=1&amp;b=2"><img src="//t.example/q">'
        '<img src="cid:logo@x"><img src="data:image/png;base64,iVBORw0KGgo=">'
        '<p style="background: #fff url(http://t.example/c.png) no-repeat; color: red">x</p>'
        "<p style=\"list-style-image: URL('http://t.example/d')\">y</p>"
    )
    assert cleaned.blocked_images == 5
    assert ' src="http' not in cleaned.html
    assert 'data-remote-src="https://t.example/p.gif?a=1&amp;b=2"' in cleaned.html
    assert 'data-remote-src="https://t.example/q"' in cleaned.html
    assert 'src="cid:logo@x"' in cleaned.html
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in cleaned.html
    assert 'style="background-color: #fff; color: red;"' in cleaned.html
    assert "t.example/b" not in cleaned.html
    assert "t.example/d" not in cleaned.html


def test_pictures_get_the_urls_of_the_page() -> None:
    cleaned = clean_html(
        '<p>a</p><img alt="&lt;x&gt;" src="cid:a%20b@x"><img src="cid:weg">'
        '<img src="http://t.example/?a=1&amp;b=2">z'
    ).html
    known = {"a b@x": '/teil/"1"'}
    blocked = rewrite_images(cleaned, cid=known.get, remote=None)
    assert '<img alt="&lt;x&gt;" src="/teil/&quot;1&quot;">' in blocked
    assert "<img>" in blocked
    assert 'data-remote-src="http://t.example/?a=1&amp;b=2"' in blocked
    shown = rewrite_images(cleaned, cid=known.get, remote=lambda url: f"/bild?u={len(url)}")
    assert '<img src="/bild?u=25">' in shown
    assert shown.startswith("<p>a</p>")
    assert shown.endswith("z")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000,
        "<b><i><a>" * 30_000,
        "<p><b></p>" * 20_000,
        "<table><tr><td>" * 20_000,
        "x" * 600_000,
        "<font color=red>x" * 20_000,
    ],
)
def test_over_the_bound_nothing_is_cleaned(html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailcore.html_body.Cleaner", None)  # it must not even be asked
    assert clean_html(html) == CleanedHtml("", 0, too_complex=True)


@pytest.mark.parametrize(
    "html",
    [
        "<a " + " b" * 100_000 + ">x",
        '<a "' * 60_000,
        "<!--" * 60_000,
        "<p><b></p>" * 100,
        "<b><div></b></div>" * 100,
        "".join(f"<font color=c{number}>" for number in range(100)) + "<p>x" * 2000,
    ],
)
def test_within_the_bound_cleaning_ends_soon(html: str) -> None:
    assert count_calls(partial(clean_html, html)) < MOST_CALLS


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("font-family:&quot;Calibri&quot;,sans-serif", 'font-family: "Calibri",sans-serif;'),
        ("font-family:&#39;Segoe UI&#39;,Arial", 'font-family: "Segoe UI",Arial;'),
        ("color:red&#59;background-image:url(https://x.example/1.png)", "color: red;"),
        ("font-family:&quot;&lt;script&gt;&quot;", ""),
        ("font-family:&quot;a&amp;quot; onclick=x()&quot;", ""),
    ],
)
def test_styles_are_read_as_a_browser_reads_them(style: str, kept: str) -> None:
    cleaned = lxml.html.fromstring(clean_html(f'<p style="{style}">x</p>').html)
    assert cleaned.get("style") == kept
