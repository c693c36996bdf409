"""Further hard mails: combinations, one `.eml` each, and how they must be read."""

from __future__ import annotations

from mailcore.messages import Mailbox
from tests.mailcore.hard_mails import CONTENT, Expected

COMBINATIONS: dict[str, Expected] = {
    "header-blank-line-with-a-blank": Expected(
        "Grüße", html="<p>Grüße</p>", defects=("no-blank-line",)
    ),
    "header-name-folded-before-colon": Expected("Hallo\n"),
    "header-begins-with-a-blank": Expected("Hallo\n"),
    "header-line-without-name": Expected("Hallo\n", defects=("junk-in-header",)),
    "header-last-line-without-name": Expected("Hallo\n", defects=("junk-in-header",)),
    "header-blanks-before-colon": Expected("Hallo\n"),
    "header-folded-with-blank-line-inside": Expected("Hallo\n", subject="Te  st"),
    "header-line-over-998": Expected("Hallo\n", subject="A" * 1500),
    "header-raw-8-bit-charset-of-the-body": Expected("Привет", subject="Привет мир"),
    "header-raw-gb2312-charset-of-a-part": Expected("你好", subject="邮件传输失败"),
    "header-raw-utf-8-body-latin-1": Expected("Grüße", subject="Größe €"),
    "header-mixed-line-ends": Expected("\nHallo\nWelt\nEnde\n"),
    "header-content-type-twice": Expected("Grüße"),
    "content-type-only-text": Expected("Hallo\n"),
    "content-type-empty": Expected("Hallo\n"),
    "content-type-with-comment": Expected("Grüße", html="<p>Grüße</p>"),
    "content-type-upper-case-and-blanks": Expected("Grüße", html="<p>Grüße</p>"),
    "content-type-with-equals-for-slash": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT
    ),
    "content-type-parameters-without-semicolon": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT
    ),
    "charset-quoted-with-blanks": Expected("Grüße"),
    "charset-single-quotes": Expected("5 €"),
    "charset-twice": Expected("5 €"),
    "charset-koi8-r": Expected("Привет", subject="Привет"),
    "charset-big5-hkscs": Expected("香港嘅"),
    "charset-big5-with-hkscs-character": Expected("香港嘅"),
    "charset-gb18030-four-bytes": Expected("漢字𠀀"),
    "charset-utf-16-base64": Expected("Grüße €"),
    "charset-utf-16le-without-mark": Expected("Grüße €"),
    "charset-utf-16-unlabelled-with-mark": Expected("Grüße €"),
    "charset-utf-8-with-broken-bytes": Expected("Atención ÐöæÆ ö ÿþýü", defects=("bad-charset",)),
    "charset-html-meta-contradicts": Expected("Grüße"),
    "charset-utf-7-in-encoded-word": Expected("Hallo\n", subject="Grüße"),
    "charset-mac-roman": Expected("Grüße"),
    "charset-8859-1-in-quotes-with-semicolon": Expected("Grüße"),
    "transfer-encoding-with-comment": Expected("Grüße"),
    "transfer-encoding-twice": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "transfer-encoding-folded": Expected("Grüße"),
    "quoted-printable-soft-break-at-end": Expected("Grüße"),
    "quoted-printable-blanks-behind-soft-break": Expected("Grüße!"),
    "quoted-printable-lower-case": Expected("Grüße"),
    "base64-with-blank-lines-and-tabs": Expected("Grüße"),
    "base64-with-stars-inside": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=b"InhaltInhaltInhaltInhalt"
    ),
    "base64-without-padding": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=b"Inhalt!", defects=("bad-base64",)
    ),
    "base64-empty": Expected("Hallo", files=(("2", "a.pdf"),), content=b""),
    "yenc-inside-text": Expected("=ybegin line=128 size=5 name=a.bin\n’‹––™\n=yend size=5\n"),
    "boundary-with-blanks-behind": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "boundary-over-70-characters": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "boundary-with-quotes-and-signs": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "boundary-unquoted-with-signs": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "boundary-twice": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("wrong-boundary",)
    ),
    "boundary-continued": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "boundary-in-single-quotes": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("wrong-boundary",)
    ),
    "boundary-collapsed-blanks": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("wrong-boundary",)
    ),
    "boundary-of-outer-ends-inner": Expected(
        "Hallo", files=(("2", "a.pdf"),), content=CONTENT, defects=("missing-end-boundary",)
    ),
    "boundary-inner-equals-outer": Expected(
        "Hallo", files=(("3", "a.pdf"),), content=CONTENT, defects=("broken-multipart",)
    ),
    "multipart-end-without-line-end": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "multipart-zero-length-parts": Expected("Hallo", files=(("4", "a.pdf"),), content=CONTENT),
    "multipart-epilogue-with-text": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "multipart-unknown-subtype": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "multipart-parallel": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "multipart-digest": Expected("", files=(("1", "Erste.eml"), ("2", "Zweite.eml"))),
    "multipart-appledouble": Expected(
        "Hallo", files=(("2.1", "Plan.pdf.rsrc"), ("2.2", "Plan.pdf"))
    ),
    "signed-smime": Expected("Hallo", files=(("2", "smime.p7s"),), content=CONTENT),
    "signed-smime-opaque": Expected("", files=(("1", "smime.p7m"),), content=CONTENT),
    "encrypted-pgp": Expected("", files=(("1", "anhang-1.asc"), ("2", "encrypted.asc"))),
    "calendar-invitation": Expected(
        "Hallo",
        html="<p>Hallo</p>",
        files=(("3", "anhang-3.ics"),),
        content=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR",
    ),
    "amp-html-beside-html": Expected("Hallo", html="<p>Hallo</p>"),
    "format-flowed-delsp": Expected("Überweisungsbeleg und Rechnung\n> zitiertweiter\n-- \nHans\n"),
    "apple-mail-text-picture-text": Expected(
        "Oben\n\nUnten", files=(("2", "a.png"),), content=CONTENT
    ),
    "apple-mail-html-file-html": Expected(
        "Oben\n\nUnten",
        html="<html><body>Oben</body></html>\n<br>\n<html><body>Unten</body></html>",
        files=(("2", "a.pdf"),),
    ),
    "external-body": Expected("Hallo", files=(("2", "plan.pdf"),)),
    "message-partial": Expected("", files=(("1", "anhang-1.bin"),)),
    "enclosed-message-quoted-printable": Expected("Hallo", files=(("2", "Innen ü.eml"),)),
    "enclosed-message-nested-in-base64": Expected("Hallo", files=(("2", "Aussen.eml"),)),
    "enclosed-message-with-own-name": Expected("Hallo", files=(("2", "Kopie.eml"),)),
    "root-is-an-enclosed-message": Expected("", files=(("1", "Innen.eml"),)),
    "winmail-dat-hides-the-text": Expected("Grüße im Umschlag", files=(("2", "winmail.dat"),)),
    "only-named-texts": Expected("Eins", files=(("1", "a.txt"), ("2", "b.txt"))),
    "inline-text-with-name": Expected("Hallo", files=(("2", "log.txt"),), content=b"Zeile"),
    "disposition-unknown-word": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "disposition-only-filename": Expected("Hallo", files=(("2", "a.pdf"),), content=CONTENT),
    "attachment-html": Expected(
        "Hallo", html="", files=(("2", "seite.html"),), content=b"<p>x</p>"
    ),
    "content-id-with-blanks": Expected("", files=(("2", "anhang-2.png"),), content=CONTENT),
    "related-without-html": Expected("Hallo", files=(("1", "a.png"),), content=CONTENT),
    "related-start-is-second": Expected("Hallo", files=(("1", "a.png"),), content=CONTENT),
    "filename-2231-raw-8-bit": Expected("Hallo", files=(("2", "Übersicht.pdf"),)),
    "filename-2231-continued-out-of-order": Expected("Hallo", files=(("2", "Grüße.pdf"),)),
    "filename-2231-mixed-pieces": Expected("Hallo", files=(("2", "Grün %20ß.pdf"),)),
    "filename-2231-without-charset": Expected("Hallo", files=(("2", "Grüße.pdf"),)),
    "filename-2231-charset-lies": Expected("Hallo", files=(("2", "Grüße.pdf"),)),
    "filename-2231-in-quotes": Expected("Hallo", files=(("2", "Grüße.pdf"),)),
    "filename-percent-encoded": Expected("Hallo", files=(("2", "Grüße.pdf"),)),
    "filename-encoded-word-unquoted-folded": Expected("Hallo", files=(("2", "Grüße 2024.pdf"),)),
    "filename-quote-not-closed": Expected("Hallo", files=(("2", "a b.pdf"),)),
    "filename-with-quotes-inside": Expected("Hallo", files=(("2", "a _b_ c.pdf"),)),
    "filename-with-semicolon": Expected("Hallo", files=(("2", "a;b.pdf"),)),
    "filename-both-differ": Expected("Hallo", files=(("2", "ablage.pdf"),)),
    "filename-reserved": Expected("Hallo", files=(("2", "_CON.pdf"),)),
    "filename-of-blanks-encoded": Expected("Hallo", files=(("2", "anhang-2.jpg"),)),
    "filename-raw-latin-1-in-type": Expected("Hallo", files=(("2", "Übersicht.pdf"),)),
    "filename-iso-2022-jp": Expected("Hallo", files=(("2", "資料.pdf"),)),
    "address-utf-8-local-part": Expected(
        "Hallo\n", from_=(Mailbox("Jürgen", "jürgen@bücher.example"),)
    ),
    "address-idn": Expected("Hallo\n", from_=(Mailbox("J", "j@xn--bcher-kva.example"),)),
    "address-two-without-comma": Expected(
        "Hallo\n",
        from_=(
            Mailbox("Bob A", "bob@kunde.example"),
            Mailbox("Eva B", "eva@kunde.example"),
        ),
    ),
    "address-angle-not-closed": Expected("Hallo\n"),
    "address-double-angles": Expected("Hallo\n"),
    "address-encoded-name-in-quotes": Expected(
        "Hallo\n", from_=(Mailbox("Hans Müller", "hans@kunde.example"),)
    ),
    "address-ends-with-comma": Expected("Hallo\n"),
    "address-name-with-colon": Expected("Hallo\n"),
    "address-only-comment": Expected(
        "Hallo\n", from_=(Mailbox("Hans (der) Huber", "hans@kunde.example"),)
    ),
    "address-at-in-name": Expected(
        "Hallo\n", from_=(Mailbox("Hans @ Huber", "hans@kunde.example"),)
    ),
    "address-domain-literal": Expected(
        "Hallo\n", from_=(Mailbox("Hans Huber", "hans@[192.0.2.1]"),)
    ),
    "address-undisclosed": Expected("Hallo\n", to=()),
    "address-exchange-x500": Expected(
        "Hallo\n", from_=(Mailbox("Hans Huber", "IMCEAEX-_O=FIRMA_OU=EX_CN=HANS@kunde.example"),)
    ),
    "date-with-comment-and-two-digit-year": Expected("Hallo\n"),
    "date-iso": Expected("Hallo\n"),
    "date-with-dots": Expected("Hallo\n"),
    "date-encoded": Expected("Hallo\n"),
    "subject-encoded-word-glued-to-text": Expected("Hallo\n", subject="Re:Grüße!"),
    "subject-q-with-blanks-raw": Expected("Hallo\n", subject="Grüße aus Köln"),
    "subject-encoded-twice": Expected("Hallo\n", subject="=?utf-8?Q?Gr=C3=BC=C3=9Fe?="),
    "subject-language-suffix": Expected("Hallo\n", subject="Grüße"),
    "subject-tab-folded": Expected("Hallo\n", subject="Hallo Welt"),
    "subject-nul-and-controls": Expected("Hallo\n", subject="ABC[31m"),
    "several-froms": Expected(
        "Hallo\n",
        from_=(
            Mailbox("Hans Huber", "hans@kunde.example"),
            Mailbox("Eva", "eva@kunde.example"),
        ),
    ),
    "html-only-with-plain-attachment": Expected(
        "Hallo", html="<p>Hallo</p>", files=(("2", "x.txt"),)
    ),
    "alternative-with-attached-file": Expected(
        "Hallo", html="<p>Hallo</p>", files=(("3", "a.pdf"),)
    ),
    "alternative-html-before-plain": Expected("Hallo", html="<p>Hallo</p>"),
    "alternative-two-plains": Expected("Hallo\n\nZwei"),
    "unicode-line-separators-in-text": Expected("Eins\u2028Zwei\x85Drei\n"),
}
