"""The mail as it arrives, opened with two parsers that have nothing in common: the library's and ours."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default

import pytest

from mailcore.messages import FilePart, Mailbox
from mailcore.parse import parse
from outbox.deliver import deliver_account
from tests.outbox.outgoing import account_for, make_draft, queue
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXT = "Grüß Gott,\n\nanbei das Angebot über 1.000 €.\n.\nÄnderungen vorbehalten"
HTML = '<p>Grüß Gott,</p><p>anbei … <img src="cid:logo@firma" alt="Firma"></p>'
NAMES = ("Überblick für Müller & Söhne.pdf", "Größe „XL“ – 100 %; final.csv", "a" * 180 + ".txt")
SUBJECT = (
    "Rückfrage zu Ihrer Bestellung: Größe, Maße und Lieferung nach Österreich – bitte bis Freitag"
)


@pytest.fixture
def raw(smtp_sink: Sink) -> bytes:
    account = account_for(smtp_sink)
    draft = make_draft(
        from_=Mailbox("Jürgen Groß, Vertrieb", "support@firma.example"),
        to=(Mailbox("Müller, Zoë", "zoe@kunde.example"), Mailbox("", "ohne@kunde.example")),
        cc=(Mailbox('O\'Brien "Bob"', "o'brien@kunde.example"),),
        subject=SUBJECT,
        text=TEXT,
        html=HTML,
        files=(
            FilePart("logo.png", "image/png", PNG, content_id="logo@firma"),
            *(FilePart(name, "application/octet-stream", name.encode()) for name in NAMES),
        ),
    )
    queue(account, draft=draft)
    deliver_account(account.pk)
    return smtp_sink.received[0].raw


def _tree(part: EmailMessage) -> object:
    if part.is_multipart():
        return part.get_content_subtype(), [_tree(one) for one in part.iter_parts()]  # type: ignore[arg-type]
    return part.get_content_type()


def test_for_the_standard_library(raw: bytes) -> None:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk()] == [[] for _ in message.walk()]
    files = ["application/octet-stream"] * len(NAMES)
    alternative = ("alternative", ["text/plain", ("related", ["text/html", "image/png"])])
    assert _tree(message) == ("mixed", [alternative, *files])
    assert message["Subject"] == SUBJECT
    assert [(one.display_name, one.addr_spec) for one in message["From"].addresses] == [
        ("Jürgen Groß, Vertrieb", "support@firma.example")
    ]
    assert [one.display_name for one in message["To"].addresses] == ["Müller, Zoë", ""]
    assert message["Cc"].addresses[0].display_name == 'O\'Brien "Bob"'
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip() == TEXT
    assert html.get_content().rstrip() == HTML
    picture = next(part for part in message.walk() if part["Content-ID"])
    assert (picture["Content-ID"], picture.get_content()) == ("<logo@firma>", PNG)
    assert picture.get_content_disposition() == "inline"
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached[-len(NAMES) :]] == list(NAMES)


def test_for_our_own_reader(raw: bytes) -> None:
    parsed = parse(raw)
    assert parsed.subject == SUBJECT
    assert [(one.name, one.email) for one in parsed.to] == [
        ("Müller, Zoë", "zoe@kunde.example"),
        ("", "ohne@kunde.example"),
    ]
    assert parsed.text.rstrip() == TEXT
    assert "cid:logo@firma" in parsed.html
    assert [one.filename for one in parsed.attachments if not one.is_inline] == list(NAMES)
    (picture,) = [one for one in parsed.attachments if one.is_inline]
    assert picture.content_id == "logo@firma"


def test_for_programs_of_long_ago(raw: bytes) -> None:
    """Lines are ASCII and short; file names stand there in the old way, too (before RFC 2231)."""
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"\n") == raw.count(b"\r\n")
    old = email.message_from_bytes(raw)
    names = [part.get_param("name", header="content-type") for part in old.walk()]
    assert sum(name is not None for name in names) == len(NAMES) + 1
