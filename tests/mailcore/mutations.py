"""Random mails for fuzzing: damaged ones of tests/eml, and ones composed of hard pieces."""

from __future__ import annotations

import base64
import random
from pathlib import Path

EML = Path(__file__).resolve().parents[1] / "eml"
LONGEST = 65536
SPLICES = (
    b"\r\n", b"\n", b"\r", b"\0", b"=?", b"?=", b'"', b"<", b">", b"(", b";", b"--b1", b"--", b":",
    b"\x1b$B", b"\xff\xfe", b"\xed\xa0\x80", b"begin 644 x\n", b"Content-Type: multipart/mixed\n",
    b"Content-Transfer-Encoding: base64\n", b"charset=utf-7", b"charset=utf-16", b"*0*=", b"=", b"%",
    b"Content-Type: message/rfc822\n", b"Content-Type: text/html\n", b"\n\n", b"<a href='", b"<!--",
    b"&#xD800;", b"&#0;", b"application/ms-tnef", b"charset=hz", b"charset=iso-2022-kr",
    b"Content-Type: message/delivery-status\n", b"Action: failed\n", b"\nFinal-Recipient: rfc822;",
    b"format=flowed; delsp=yes", b"\xe2\x80\xa8", b"\xc2\x85", b"\n \n", b"\t", b"charset*=utf-8''%00",
)  # fmt: skip
_CHARSETS = (
    *("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16le", "utf-32", "utf-7"),
    *(
        "gb18030",
        "gb2312",
        "big5",
        "shift_jis",
        "euc-jp",
        "iso-2022-jp",
        "iso-2022-kr",
        "hz",
        "koi8-r",
    ),
    *(
        "x-unknown",
        "",
        "'utf-8'",
        "3Dutf-8",
        "base64",
        "idna",
        "punycode",
        "unicode_escape",
        "rot13",
    ),
)
_TYPES = (
    *(
        "text/plain",
        "text/html",
        "text/enriched",
        "text/calendar",
        "text/x-amp-html",
        "TEXT",
        "text",
    ),
    *("application/pdf", "image/png", "application/ms-tnef", "message/rfc822", "message/partial"),
    *("message/delivery-status", "text/rfc822-headers", "message/external-body", "x", "", "a/b/c"),
)
_MULTIPARTS = ("mixed", "alternative", "related", "digest", "signed", "report", "parallel", "x")
_ENCODINGS = ("7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "BASE64 ;", "binary", "?")
_NAMES = (
    *("From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *(
        "Reply-To",
        "Sender",
        "Received",
        "Return-Path",
        "Delivered-To",
        "Auto-Submitted",
        "Precedence",
    ),
    *("Content-ID", "X-Failed-Recipients", "List-Id", "X-Loop", "Content-Disposition"),
)
_WORDS = (
    *(
        "Grüße",
        "a@b.example",
        "<a@b.example>",
        '"Huber, Hans" <h@x.example>',
        "=?utf-8?Q?Gr=C3=BC?=",
    ),
    *("=?utf-8?B?R3LDvA==?=", "(Kommentar", "Gruppe: a@b;", "<>", "Tue, 3 Sep 2024 10:00:00 +0200"),
    *(
        "from x by y; 3 Sep 2024",
        "\x00",
        "\udce4\udcff",
        "日本語",
        "\x1b$B",
        "undisclosed:;",
        "<a b@c>",
    ),
    *(
        "; name=a.pdf",
        '; filename="x/../y.exe"',
        "; filename*0*=utf-8''%FF",
        "auto-replied",
        "#4711",
    ),
    *("Re: [Ticket#12]", "Undeliverable: x", "\u202egpj.exe", "a" * 300, "\u2028", "%00", "cid:x"),
)
_TEXTS = (
    *("Hallo\n> alt\nneu", "<p>Hallo<img src='cid:x'><a href=\"http://x\">y</a>"),
    "begin 644 a\n#86)C\n`\nend\n",
    *("Am 3.9.2024 schrieb X <a@b.example>:\n> alt", "--b1\n--b2--\n"),
    "-----Original Message-----\nVon: x\n",
    *("<!-- <style> <b><i>", "=C3=BC=\n=", "550 5.1.1 <weg@b.example> user unknown"),
    "Final-Recipient: rfc822; x",
    *("\x1b$B%F\x1b(B", "+APw-", "~{VPND~}", "\x00\udcff\udcfe", "&#xD800;&#0;&nbsp;", "eins \nzwei \n-- \n"),
)  # fmt: skip


def read_seeds() -> list[bytes]:
    seeds = [path.read_bytes() for path in sorted(EML.glob("*.eml"))]
    return [seed for seed in seeds if len(seed) < 20_000]


def mutate(random_: random.Random, seeds: list[bytes]) -> bytes:
    """One of the mails with bytes cut, doubled, swapped and foreign pieces put in."""
    data = bytearray(random_.choice(seeds))
    for _ in range(random_.randint(1, 12)):
        at = random_.randint(0, len(data))
        kind = random_.randrange(6)
        if kind == 0:
            data[at:at] = random_.choice(SPLICES)
        elif kind == 1:
            del data[at : at + random_.randint(1, 40)]
        elif kind == 2 and data:
            data[at % len(data)] = random_.randrange(256)
        elif kind == 3:
            data[at:at] = data[at : at + random_.randint(1, 200)] * random_.randint(1, 5)
        elif kind == 4:
            other = random_.choice(seeds)
            start = random_.randint(0, len(other))
            data[at:at] = other[start : start + random_.randint(1, 300)]
        else:
            data[at:at] = random_.choice(SPLICES) * random_.choice((2, 50))
    return bytes(data[:LONGEST])


def compose(random_: random.Random) -> bytes:
    """A mail of random headers and a random tree of parts, most of it valid."""
    lines = [
        f"{random_.choice(_NAMES)}{random_.choice(('', '', ' '))}: {_value(random_)}"
        for _ in range(random_.randint(1, 12))
    ]
    head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    return (head + b"\r\n" + _part(random_, random_.choice((0, 1, 2, 4))))[:LONGEST]


def _value(random_: random.Random) -> str:
    blank = random_.choice((" ", " ", ", ", "\r\n ", ""))
    return blank.join(random_.choices(_WORDS, k=random_.randint(1, 5)))


def _part(random_: random.Random, depth: int) -> bytes:
    if depth:
        boundary = random_.choice(("b1", "b2", "b1 ", "=_x", "b" * 80))
        delimiter = b"\r\n--" + boundary.encode()
        parts = [_part(random_, depth - 1) for _ in range(random_.randint(0, 3))]
        body = b"".join(delimiter + b"\r\n" + part for part in parts)
        end = random_.choice((delimiter + b"--", b"", delimiter))
        kind = random_.choice(_MULTIPARTS)
        return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode() + body + end
    content_type, charset = random_.choice(_TYPES), random_.choice(_CHARSETS)
    encoding = random_.choice(_ENCODINGS)
    text = "".join(random_.choices(_TEXTS, k=random_.randint(0, 6)))
    head = f"Content-Type: {content_type}; charset={charset}{random_.choice(_WORDS)}\r\n"
    head += f"Content-Transfer-Encoding: {encoding}\r\n"
    if random_.random() < 0.4:
        disposition = random_.choice(("attachment", "inline", "", "x"))
        head += f"Content-Disposition: {disposition}{random_.choice(_WORDS)}\r\n"
    body = _encode(random_, text, charset)
    if "64" in encoding.lower():
        body = base64.encodebytes(body)
    return head.encode("utf-8", "surrogateescape") + b"\r\n" + body


def _encode(random_: random.Random, text: str, charset: str) -> bytes:
    try:
        return text.encode(random_.choice((charset, "utf-8")), "replace")
    except (LookupError, ValueError, TypeError):
        return text.encode("utf-8", "surrogateescape")
