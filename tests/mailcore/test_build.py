"""What `build` makes, read back by the standard library's parser."""

from __future__ import annotations

import email
import email.header
import email.policy
import email.utils
import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial

import pytest

from mailcore.build import build, needs_smtputf8
from mailcore.errors import InvalidDraft
from mailcore.messages import Draft, FilePart, Mailbox
from tests.mailcore.counting import count_calls

DRAFT = Draft(
    from_=Mailbox("Müller, Jörg", "joerg@Example.COM"),
    to=(Mailbox("", "kunde@example.com"),),
    subject="Ihr Angebot",
    text="Guten Tag,\nGrüße\n",
    message_id="4711@example.com",
    date=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
)
PDF = FilePart("Angebot Nr. 5 – Größe.pdf", "application/pdf", bytes(range(256)) * 50)
LOGO = FilePart("logo.png", "image/png", b"\x89PNG\r\n\x1a\n" + bytes(300), "logo@firma")


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def well_formed(raw: bytes) -> EmailMessage:
    """CRLF only, ASCII, short lines; returns it read."""
    assert raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    header = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, header.split(b"\r\n"))) <= 120
    return read(raw)


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def first_name(message: EmailMessage) -> str:
    """The first recipient's name. Python's own parser puts blanks between encoded words (3.11)."""
    raw = dict(message.raw_items())["To"]
    name = email.utils.getaddresses([raw.replace("\r\n", "").replace("\n", "")])[0][0]
    return str(email.header.make_header(email.header.decode_header(name)))


def shape(message: EmailMessage) -> object:
    kind = message.get_content_type()
    if message.is_multipart():
        return (
            kind,
            *(shape(part) for part in message.iter_parts() if isinstance(part, EmailMessage)),
        )
    return kind


def test_headers_of_a_plain_message() -> None:
    message = well_formed(build(DRAFT))
    assert message["From"].addresses[0].display_name == "Müller, Jörg"
    assert message["From"].addresses[0].addr_spec == "joerg@example.com"
    assert message["Date"].datetime == DRAFT.date
    assert message["Message-ID"] == "<4711@example.com>"
    assert message["MIME-Version"] == "1.0"
    assert message["Bcc"] is None
    assert text_of(message) == "Guten Tag,\nGrüße\n"
    assert shape(message) == "text/plain"


@pytest.mark.parametrize(
    ("html", "files", "expected"),
    [
        ("", (), "text/plain"),
        ("<p>ä</p>", (), ("multipart/alternative", "text/plain", "text/html")),
        ("", (PDF,), ("multipart/mixed", "text/plain", "application/pdf")),
        (
            "<img src='cid:logo@firma'>",
            (LOGO,),
            (
                "multipart/alternative",
                "text/plain",
                ("multipart/related", "text/html", "image/png"),
            ),
        ),
        (
            "<img src='cid:logo@firma'>",
            (LOGO, PDF),
            (
                "multipart/mixed",
                (
                    "multipart/alternative",
                    "text/plain",
                    ("multipart/related", "text/html", "image/png"),
                ),
                "application/pdf",
            ),
        ),
        ("", (LOGO,), ("multipart/mixed", "text/plain", "image/png")),
    ],
)
def test_the_tree(html: str, files: tuple[FilePart, ...], expected: object) -> None:
    message = well_formed(build(replace(DRAFT, html=html, files=files)))
    assert shape(message) == expected
    found = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    for file in files:
        part = found[file.filename]
        assert part.get_payload(decode=True) == file.content
        if html and file.content_id:
            assert part["Content-ID"] == "<logo@firma>"
            assert part.get_content_disposition() == "inline"
        else:
            assert part.get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    "subject",
    [
        "Größe",
        "Ä" * 300,
        "ein sehr langer Betreff nur aus ASCII " * 20,
        "x" * 2000,
        "=?utf-8?q?kein_kodiertes_Wort?=",
        " vorn und hinten Blanks ",
        "zwei  Blanks",
        "😀" * 40,
        "",
        "日本語の件名 mit Mischung",
    ],
)
def test_subjects_survive(subject: str) -> None:
    assert well_formed(build(replace(DRAFT, subject=subject)))["Subject"] == subject


@pytest.mark.parametrize(
    "name",
    [
        "Hans Huber",
        "Huber, Hans",
        'Hans "der Schnelle" Huber',
        "a\\b",
        "Jörg (Einkauf)",
        "=?utf-8?q?x?=",
        "Firma " * 30,
        "Gärtnerei " * 30,
        "test@example.com",
        "李小龍",
    ],
)
def test_names_survive(name: str) -> None:
    draft = replace(DRAFT, to=(Mailbox(name, "a@example.com"), Mailbox("", "b@example.com")))
    message = well_formed(build(draft))
    addresses = [address.addr_spec for address in message["To"].addresses]
    assert addresses == ["a@example.com", "b@example.com"]
    assert first_name(message) == name.strip()


@pytest.mark.parametrize(
    "filename",
    [
        "a.pdf",
        "mit Blank.pdf",
        'mit "Anführung".pdf',
        "Größe.pdf",
        "sehr " * 40 + "lang.pdf",
        "ä" * 120 + ".pdf",
        "a;b=c.pdf",
        "50%27s.pdf",
        "日本.pdf",
        "it's'quoted.pdf",
    ],
)
def test_file_names_survive(filename: str) -> None:
    message = well_formed(build(replace(DRAFT, files=(replace(PDF, filename=filename),))))
    (part,) = message.iter_attachments()
    assert part.get_filename() == filename


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nur ASCII",
        ".\n..\n.x\n",
        "From hier\n",
        "x" * 5000,
        "ü" * 5000,
        "Blank am Ende   \nTab\t\n= gleich =41\n",
        "a\rb\r\nc\n",
        "日本語" * 500,
        "\0 NUL",
        "Emoji 😀 \ud800 halb",
    ],
)
def test_texts_survive(text: str) -> None:
    message = well_formed(build(replace(DRAFT, text=text)))
    expected = re.sub(r"\r\n?|\n", "\n", text).replace("\ud800", "?")
    assert text_of(message) == (expected if expected.endswith("\n") else expected + "\n")


def test_random_texts_and_subjects_survive() -> None:
    seed = 4711
    source = random.Random(seed)
    alphabet = "abc äöüß=?_.\t\"'<>,;:@\\()😀日\u00a0\u2028"
    for _ in range(300):
        value = "".join(source.choices(alphabet, k=source.randrange(1, 200)))
        draft = replace(DRAFT, subject=value, text=value, to=(Mailbox(value, "a@example.com"),))
        message = well_formed(build(draft))
        assert text_of(message) == value + "\n", (seed, value)
        assert str(message["Subject"]) == value, (seed, value)
        assert first_name(message) == value.strip(), (seed, value)


def test_references_are_folded_and_trimmed() -> None:
    ids = tuple(f"{n:04}.abcdefghijklmnop@mail.example.com" for n in range(200))
    raw = build(replace(DRAFT, references=ids, in_reply_to=ids[-1]))
    message = well_formed(raw)
    found = message["References"].split()
    assert found[0] == f"<{ids[0]}>"
    assert found[1:] == [f"<{one}>" for one in ids[-len(found) + 1 :]]
    assert 1300 < len(str(message["References"])) <= 1500
    assert message["In-Reply-To"] == f"<{ids[-1]}>"


def test_malformed_foreign_ids_do_not_stop_an_answer() -> None:
    draft = replace(
        DRAFT, in_reply_to="<kaputte id>", references=("gut@example.com", "a b", "", "ü@x")
    )
    message = well_formed(build(draft))
    assert message["References"] == "<gut@example.com>"
    assert message["In-Reply-To"] is None


@pytest.mark.parametrize("evil", ["a\r\nBcc: x@example.com", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("Subject", lambda v: {"subject": v}),
        ("from", lambda v: {"from_": Mailbox(v, "a@example.com")}),
        ("to", lambda v: {"to": (Mailbox("", v),)}),
        ("cc", lambda v: {"cc": (Mailbox(v, "a@example.com"),)}),
        ("reply-to", lambda v: {"reply_to": (Mailbox(v, "a@example.com"),)}),
        ("message_id", lambda v: {"message_id": v}),
        ("In-Reply-To", lambda v: {"in_reply_to": v}),
        ("References", lambda v: {"references": (v,)}),
        ("X-Test", lambda v: {"headers": (("X-Test", v),)}),
        ("headers", lambda v: {"headers": ((v, "x"),)}),
        ("filename", lambda v: {"files": (FilePart(v, "a/b", b""),)}),
        ("content_type", lambda v: {"files": (FilePart("x", v, b""),)}),
        ("content_id", lambda v: {"html": "x", "files": (FilePart("x", "a/b", b"", v),)}),
    ],
)
def test_no_header_can_be_smuggled_in(evil: str, field: str, change: object) -> None:
    assert callable(change)
    with pytest.raises(InvalidDraft) as caught:
        build(replace(DRAFT, **change(evil)))
    assert (caught.value.field, caught.value.reason) == (field, "line-break")


@pytest.mark.parametrize(
    ("draft", "field", "reason"),
    [
        (replace(DRAFT, to=()), "to", "no-recipient"),
        (replace(DRAFT, to=(Mailbox("x", ""),)), "to", "bad-address"),
        (replace(DRAFT, from_=Mailbox("x", "kein-at")), "from", "bad-address"),
        (replace(DRAFT, headers=(("Bcc", "x@example.com"),)), "Bcc", "reserved-header"),
        (replace(DRAFT, headers=(("Content-Type", "x"),)), "Content-Type", "reserved-header"),
        (replace(DRAFT, headers=(("X Y", "x"),)), "X Y", "bad-value"),
        (replace(DRAFT, date=datetime(2026, 1, 1)), "date", "bad-value"),  # noqa: DTZ001
        (replace(DRAFT, message_id="a b"), "message_id", "bad-value"),
    ],
)
def test_what_cannot_be_built(draft: Draft, field: str, reason: str) -> None:
    with pytest.raises(InvalidDraft) as caught:
        build(draft)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_further_headers_and_a_made_message_id() -> None:
    headers = (("Auto-Submitted", "auto-replied"), ("X-Grund", "Größe"))
    draft = replace(DRAFT, message_id="", headers=headers, cc=(Mailbox("", "cc@example.com"),))
    first, second = well_formed(build(draft)), read(build(draft))
    assert first["Auto-Submitted"] == "auto-replied"
    assert first["X-Grund"] == "Größe"
    assert first["Cc"] == "cc@example.com"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]


def test_enclosed_messages_are_never_encoded() -> None:
    inner = build(DRAFT)
    message = read(build(replace(DRAFT, files=(FilePart("m.eml", "message/rfc822", inner),))))
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "message/rfc822"
    assert part["Content-Transfer-Encoding"] == "7bit"
    eight_bit = FilePart("m.eml", "message/rfc822", "Subject: ä\r\n\r\n".encode())
    message = read(build(replace(DRAFT, files=(eight_bit,))))
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == eight_bit.content


def test_international_addresses() -> None:
    to = (Mailbox("", "info@straße.de"), Mailbox("", "jörg@example.com"))
    raw = build(replace(DRAFT, to=to))
    assert "To: info@xn--strae-oqa.de, jörg@example.com\r\n".encode() in raw
    assert [needs_smtputf8(mailbox.email) for mailbox in to] == [False, True]


def test_the_calls_do_not_grow_with_the_size() -> None:
    """All bytes of a part are read at once, in C; Django's composer needs two calls or more a line."""

    def calls(lines: int) -> int:
        html = "<p>Schöne Grüße aus dem Büro</p>\n" * lines
        draft = replace(DRAFT, text="Guten Tag, Grüße\n" * lines, html=html, files=(PDF,))
        return count_calls(partial(build, draft))

    calls(10)  # codecs and caches are loaded
    assert calls(20_000) <= calls(200) + 100
