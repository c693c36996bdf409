"""Every `.eml` in tests/eml is named after the defect it has; here stands how it must be read."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mailcore.messages import Mailbox, ParsedMessage
from mailcore.parse import parse, read_part
from tests.mailcore.hard_mail_combinations import COMBINATIONS
from tests.mailcore.hard_mails import CONTENT, Expected

EML = Path(__file__).resolve().parents[1] / "eml"


def one_file(name: str) -> Expected:
    return Expected(text="Hallo", files=(("2", name),), content=CONTENT)


CASES: dict[str, Expected] = {
    # 1. charsets
    "charset-unknown": Expected("Grüße\n", defects=("bad-charset",)),
    "charset-garbage-around-utf-8": Expected("Grüße\n"),
    "charset-missing-windows-1252": Expected("Grüße – 5 €\n"),
    "charset-says-utf-8-is-windows-1252": Expected("Grüße aus Köln\n", defects=("bad-charset",)),
    "charset-says-latin-1-is-utf-8": Expected("Grüße aus Köln\n", defects=("bad-charset",)),
    "charset-latin-1-with-euro-byte": Expected("5 € „sofort“\n"),
    "charset-gb2312-with-gb18030-character": Expected("你好 镕\n"),
    "charset-shift-jis-with-vendor-row": Expected("①番 髙橋\n"),
    "charset-ks-c-5601-1987": Expected("안녕하세요 똠\n"),
    "iso-2022-jp-with-vendor-row": Expected("①東京 髙\n"),
    "iso-2022-jp-unlabelled": Expected("東京です\n", subject="会議"),
    "html-meta-charset-only": Expected("Łódź"),
    "utf-8-with-foreign-footer": Expected(
        "Grüße aus Köln und Österreich\nFußzeile", defects=("bad-charset",)
    ),
    "charset-is-a-python-codec": Expected("Hallo\n", defects=("bad-charset",)),
    "charset-utf-16-odd-byte-at-end": Expected("Grüße"),
    "charset-utf-7": Expected("Grüße\n"),
    "nul-and-surrogates-in-text": Expected(
        "Hallo &í\xa0€\n", subject="ABí\xa0€", defects=("bad-charset",)
    ),
    # 2. header values
    "header-raw-8-bit-latin-1": Expected(
        "Hallo\n", subject="Größe", from_=(Mailbox("Jürgen Groß", "j@kunde.example"),)
    ),
    "header-raw-utf-8": Expected(
        "Hallo\n", subject="Größe", from_=(Mailbox("Jürgen Groß", "j@kunde.example"),)
    ),
    "encoded-word-split-inside-a-character": Expected(subject="Grüße"),
    "encoded-word-with-line-break-inside": Expected(subject="Grüße Bcc: x@y.example"),
    "encoded-word-without-end": Expected(subject="Grüße aus"),
    "encoded-word-with-blanks": Expected(subject="Grüße aus Köln"),
    "encoded-word-mixed-charsets": Expected(subject="Grüße € und mehr"),
    "encoded-word-unpadded-base64": Expected(subject="Grüße"),
    # 3. transfer encodings
    "transfer-encoding-odd-spelling": Expected("Grüße"),
    "base64-with-footer": Expected(
        "Hallo Welt.\n_____\nListe: eine Fusszeile\n", defects=("bad-base64",)
    ),
    "base64-in-padded-pieces": Expected("Hallo Welt!!", defects=("bad-base64",)),
    "base64-that-is-plain-text": Expected(
        "Sehr geehrte Damen und Herren, das ist Text.\n", defects=("not-base64",)
    ),
    "base64-cut-off": Expected("Hallo Welt, wie geht ", defects=("bad-base64",)),
    "quoted-printable-broken": Expected("Grüße =ZZ 100= % fertig!"),
    "uuencode-inside-text": Expected(
        "Anbei der Plan.\n\n\nGruss\n", files=(("1.u1", "plan.txt"),), content=b"Inhalt der Datei"
    ),
    "uuencode-as-transfer-encoding": Expected(
        "", files=(("1", "plan.txt"),), content=b"Inhalt der Datei"
    ),
    # 4. where the header ends
    "junk-line-in-header": Expected("Hallo\n", defects=("junk-in-header", "no-date")),
    "header-without-blank-line": Expected(
        "Sehr geehrte Damen,\n\nzweiter Absatz\n",
        defects=("no-blank-line", "no-message-id", "no-date"),
    ),
    "byte-order-mark-and-mbox-line": Expected("Hallo\n"),
    "line-ends-cr-only": Expected("Hallo\nWelt\n"),
    "line-ends-cr-cr-lf": Expected("Hallo\nWelt\n"),
    "body-only": Expected(
        "Hallo, hier ist nur Text ohne Kopf.\nGruss\n",
        subject="",
        from_=(),
        defects=("no-blank-line", "no-message-id", "no-sender", "no-date"),
    ),
    "empty": Expected("", subject="", from_=(), defects=("no-message-id", "no-sender", "no-date")),
    "header-too-long": Expected("Hallo\n", defects=("header-limit",)),
    # 5. dates and ids: more below
    "date-invalid-received-valid": Expected(defects=("bad-date",)),
    "date-german-month": Expected(),
    "date-twelve-hours": Expected("Hallo\n"),
    "date-comment-before-zone": Expected("Hallo\n"),
    "address-at-as-a-word": Expected(
        "Hallo\n",
        from_=(Mailbox("hans at kunde.example (Hans Huber)", ""),),
        defects=("no-sender",),
    ),
    "base64-file-with-footer": Expected(
        "Hallo",
        files=(("2", "a.bin"),),
        content=b"Inhalt\n",
        defects=("missing-end-boundary", "bad-base64"),
    ),
    "content-type-in-quotes": one_file("a.pdf"),
    "content-type-unreadable-with-name": Expected("", files=(("1", "a.pdf"),), content=CONTENT),
    "multipart-that-is-a-page": Expected(
        "Hallo",
        html="<!DOCTYPE html>\n<html><body><p>Hallo</p></body></html>\n",
        defects=("broken-multipart",),
    ),
    "uuencode-filled-up": Expected("Hallo", files=(("2", "a.bin"),), content=b"Inhalt!!!!!"),
    "date-year-three-digits-and-odd-zone": Expected(defects=("bad-date",)),
    "message-id-empty": Expected(defects=("no-message-id",)),
    "message-id-without-brackets": Expected(),
    "message-id-with-blank-inside": Expected(),
    # 6. addresses
    "address-as-display-name": Expected(
        from_=(Mailbox("chef@firma.example", "boese@fremd.example"),)
    ),
    "address-with-comment-name": Expected(
        from_=(Mailbox("Hans (Chef) Huber", "hans@kunde.example"),)
    ),
    "addresses-with-semicolons": Expected(
        to=("a@firma.example", "b@firma.example", "c@firma.example")
    ),
    "address-in-brackets-and-quotes": Expected(
        from_=(Mailbox("", "hans@kunde.example"),), to=("eva@firma.example", "max@firma.example")
    ),
    "address-with-unquoted-comma": Expected(from_=(Mailbox("Huber, Hans", "hans@kunde.example"),)),
    "address-without-domain": Expected(from_=(Mailbox("hans@", ""),), defects=("no-sender",)),
    "address-group-malformed": Expected(to=()),
    "address-comment-bomb": Expected(from_=(Mailbox("", "hans@kunde.example"),)),
    "address-encoded-as-a-whole": Expected(from_=(Mailbox("Jürgen", "j@kunde.example"),)),
    "address-encoded-comma-in-name": Expected(
        from_=(Mailbox("Müller, Hans", "hans@kunde.example"),)
    ),
    "address-quoted-local-part": Expected(
        from_=(Mailbox("", '"hans huber"@kunde.example'),),
        to=("o'brien@firma.example", "x@sub.firma.example"),
    ),
    "repeated-headers": Expected(
        subject="Eins",
        from_=(Mailbox("Hans", "hans@kunde.example"),),
        to=("a@firma.example", "b@firma.example"),
        defects=("no-date",),
    ),
    # 7. file names
    "filename-star-before-plain": one_file("Übersicht.pdf"),
    "filename-continued": one_file("Übersicht 2024.pdf"),
    "filename-encoded-word": one_file("Übersicht.pdf"),
    "filename-bare-blanks": one_file("Meine Rechnung 3.pdf"),
    "filename-raw-8-bit": one_file("Übersicht.pdf"),
    "filename-path-and-drive": one_file("Plan.pdf"),
    "filename-dot-dot": one_file("passwd"),
    "filename-bidi-override": one_file("Rechnungfdp.exe"),
    "filename-missing": one_file("anhang-2.jpg"),
    "filename-blank": one_file("anhang-2.pdf"),
    "filename-decomposed": one_file("Übersicht.pdf"),
    "filename-too-long": one_file("x" * 196 + ".pdf"),
    "filename-with-line-break": one_file("a b.pdf"),
    # 8. the tree
    "related-picture-inside-alternative": Expected(
        "Hallo",
        html='<p>Hallo <img src="cid:logo@x"></p>',
        files=(("2.2", "logo.png"), ("2.3", "nested.pdf")),
    ),
    "root-is-a-pdf": Expected("", files=(("1", "Rechnung.pdf"),), content=CONTENT),
    "several-inline-texts": Expected("Erster Teil\n\nZweiter Teil", files=(("2", "a.png"),)),
    "named-first-text-is-a-file": Expected(
        "Hallo", files=(("1", "protokoll.txt"),), content=b"Zeile 1"
    ),
    "enclosed-message": Expected("Siehe unten", files=(("2", "Innen ü.eml"),)),
    "enclosed-message-base64": Expected("Siehe unten", files=(("2", "Innen ü.eml"),)),
    "html-and-plain-side-by-side": Expected(
        "Text davor\n\nHTML danach",
        html='<div style="white-space: pre-wrap">Text davor</div>\n<br>\n<p>HTML danach</p>',
    ),
    "multipart-without-boundary": Expected(
        "Nur Text trotz multipart\n", defects=("broken-multipart",)
    ),
    "multipart-boundary-never-occurs": Expected(
        "Nur Text trotz multipart\n", defects=("broken-multipart",)
    ),
    "multipart-wrong-boundary": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("wrong-boundary",)
    ),
    "multipart-without-end": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("missing-end-boundary",)
    ),
    "multipart-part-without-header": Expected(
        "Nur Text\n\nGleich Text ohne Leerzeile", defects=("no-blank-line",)
    ),
    "multipart-text-in-preamble": Expected(
        "Der Text steht hier davor.", files=(("1", "a.pdf"),), defects=("text-in-preamble",)
    ),
    "plain-alternative-blank": Expected("Hallo Welt", html="<p>Hallo <b>Welt</b></p>"),
    "multipart-base64-as-a-whole": Expected("Hallo"),
    "boundary-is-prefix-of-inner": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "winmail-dat": Expected("Hallo", files=(("2.t1", "Plan.txt"),), content=b"Inhalt des Plans"),
    "winmail-dat-broken": Expected("Hallo", files=(("2", "winmail.dat"),)),
    # 9. limits
    "nest-of-1500-levels": Expected(
        "", files=((".".join(["1"] * 50), "anhang-1-1-1-1.bin"),), defects=("depth-limit",)
    ),
    "parts-5000": Expected(
        "Hallo",
        files=tuple((str(at), f"anhang-{at}.gif") for at in range(2, 1001)),
        content=b"x",
        defects=("missing-end-boundary", "part-limit"),
    ),
}
CASES |= COMBINATIONS
# 10. bounces and automatic mail are judged in test_automatic.py.
JUDGED_ELSEWHERE = ("bounce-", "absence-")


def load(name: str) -> tuple[bytes, ParsedMessage]:
    raw = (EML / f"{name}.eml").read_bytes()
    return raw, parse(raw)


@pytest.mark.parametrize("name", sorted(CASES))
def test_hard_mail_is_read_wholly_right(name: str) -> None:
    raw, message = load(name)
    expected = CASES[name]
    assert message.subject == expected.subject
    assert message.from_ == expected.from_
    if expected.to is not None:
        assert tuple(one.email for one in message.to) == expected.to
    if expected.text is not None:
        assert message.text == expected.text
    if expected.html is not None:
        assert message.html == expected.html
    files = tuple((one.path, one.filename) for one in message.attachments)
    assert files == expected.files
    assert message.defects == expected.defects
    for attachment in message.attachments[:5]:
        data = read_part(raw, attachment.path)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (attachment.size, attachment.sha256)
    if expected.content is not None:
        assert read_part(raw, message.attachments[0].path) == expected.content


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_date_and_id_survive_every_combination(name: str) -> None:
    message = load(name)[1]
    assert message.date == datetime(2024, 9, 3, 8, tzinfo=UTC)
    assert message.message_id == "1@kunde.example"


def test_every_file_is_judged() -> None:
    names = {path.stem for path in EML.glob("*.eml")}
    assert {name for name in names if not name.startswith(JUDGED_ELSEWHERE)} == set(CASES)


CEST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("date-invalid-received-valid", datetime(2024, 9, 4, 12, tzinfo=CEST)),
        ("date-german-month", datetime(2024, 12, 3, 10, tzinfo=timezone(timedelta(hours=1)))),
        ("date-year-three-digits-and-odd-zone", datetime(2024, 9, 3, 8, tzinfo=UTC)),
        (
            "date-twelve-hours",
            datetime(2024, 9, 3, 18, 9, 22, tzinfo=timezone(-timedelta(hours=4))),
        ),
        ("date-comment-before-zone", datetime(2024, 9, 3, 10, tzinfo=CEST)),
        ("charset-unknown", datetime(2024, 9, 3, 10, tzinfo=CEST)),
        ("body-only", None),
    ],
)
def test_date_falls_back(name: str, date: datetime | None) -> None:
    message = load(name)[1]
    assert message.date == date
    if date is not None and message.date is not None:
        assert message.date.utcoffset() == date.utcoffset()


def test_time_of_receipt_is_the_last_fall_back() -> None:
    received = datetime(2024, 9, 5, tzinfo=UTC)
    assert parse(b"Subject: x\r\n\r\n", received_at=received).date == received
    assert parse(b"Date: 1 Feb 2020 10:00 +0000\r\n\r\n", received_at=received).date != received


def test_message_ids_are_read_alike_everywhere() -> None:
    assert load("message-id-with-blank-inside")[1].message_id == "abc123@kunde.example"
    message = load("message-id-without-brackets")[1]
    assert message.message_id == "abc.123@kunde.example"
    assert message.in_reply_to == ("x1@firma.example",)
    assert message.references == ("r1@firma.example", "r2@firma.example")


def test_missing_message_id_is_derived_from_the_bytes() -> None:
    first, again, other = parse(b"A: b\n\nx"), parse(b"A: b\n\nx"), parse(b"A: b\n\ny")
    assert first.message_id == again.message_id != other.message_id
    assert "@" in load("message-id-empty")[1].message_id


def test_envelope_headers() -> None:
    message = load("repeated-headers")[1]
    assert message.return_path == ""
    assert message.delivered_to == ("service@firma.example",)
    assert load("charset-unknown")[1].return_path is None


def test_names_without_addresses_are_kept() -> None:
    assert load("address-without-domain")[1].reply_to == (Mailbox("Nur Name", ""),)
    cc = load("address-group-malformed")[1].cc
    assert cc == (Mailbox("", "a@firma.example"), Mailbox("B", "b@firma.example"))


@pytest.mark.parametrize("name", ["content-type-in-quotes", "content-type-unreadable-with-name"])
def test_odd_type_of_a_file_is_found(name: str) -> None:
    assert [one.content_type for one in load(name)[1].attachments] == ["application/pdf"]


def test_inline_is_what_the_html_shows() -> None:
    picture, pdf = load("related-picture-inside-alternative")[1].attachments
    assert (picture.is_inline, picture.content_id) == (True, "logo@x")
    assert not pdf.is_inline


@pytest.mark.parametrize("name", ["enclosed-message", "enclosed-message-base64"])
def test_enclosed_message_can_be_opened(name: str) -> None:
    raw, message = load(name)
    assert "Innerer" not in message.text
    assert parse(read_part(raw, "2")).text == "Innerer Text\n"


@pytest.mark.parametrize("path", ["3", "1.1", "", "2.t1", "1.u1", "x", "1.t0"])
def test_unknown_part_is_a_key_error(path: str) -> None:
    raw = (EML / "enclosed-message.eml").read_bytes()
    with pytest.raises(KeyError):
        read_part(raw, path)
