"""Mails per second read by mailcore.parse, against the standard library on the same mails.

    python bench/parse.py [mails]

The mix is that of the design: 45 % German text with quotes, 35 % HTML of 20–120 kB, 15 % with files
of up to 3 MB, 5 % odd ones; about 125 kB on average. Both readers take turns in rounds.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import quopri
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mailcore.parse import parse

ROUNDS = 5
WORDS = "der Auftrag über die Lieferung geänderter Schläuche wurde heute bestätigt und geprüft"
VOCABULARY = re.findall(r"\w+", WORDS)


def words(random_: random.Random, characters: int) -> str:
    lines: list[str] = []
    size = 0
    while size < characters:
        line = " ".join(random_.choices(VOCABULARY, k=10))
        lines.append(line)
        size += len(line) + 1
    return "\r\n".join(lines)


def head(number: int, content_type: str, encoding: str) -> str:
    received = "".join(
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n"
        f"\tby in{hop}.example.org with ESMTPS id {number}{hop};\r\n"
        "\tTue, 03 Sep 2024 10:00:00 +0200\r\n"
        for hop in range(1, 5)
    )
    return (
        f"Return-Path: <kunde{number}@example.net>\r\n{received}"
        f"From: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <kunde{number}@example.net>\r\n"
        "To: Service <service@example.org>, info@example.org\r\n"
        f"Subject: =?utf-8?B?R3LDvMOfZSB1bmQgUsO8Y2tmcmFnZQ==?= {number}\r\n"
        f"Message-ID: <{number}.abc@example.net>\r\nIn-Reply-To: <x{number}@example.org>\r\n"
        "Date: Tue, 03 Sep 2024 10:00:00 +0200\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )


def text_mail(random_: random.Random, number: int) -> bytes:
    text = words(random_, random_.randint(500, 8000))
    quoted = "\r\n".join("> " + line for line in words(random_, 4000).split("\r\n"))
    body = quopri.encodestring(f"{text}\r\n\r\nAm 3.9.2024 schrieb X:\r\n{quoted}".encode())
    return head(number, "text/plain; charset=utf-8", "quoted-printable").encode() + body


def html_mail(random_: random.Random, number: int, *, alternative: bool) -> bytes:
    row = '<tr><td style="color:#333;font-family:Arial"><a href="https://example.net/a">{}</a></td></tr>'
    size = random_.randint(20_000, 120_000)
    rows = [row.format(" ".join(random_.choices(VOCABULARY, k=12))) for _ in range(size // 190)]
    html = f"<html><head><style>td{{}}</style></head><body><table>{''.join(rows)}</table></body></html>"
    encoded = quopri.encodestring(html.encode())
    if not alternative:
        return head(number, "text/html; charset=utf-8", "quoted-printable").encode() + encoded
    part = "Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (
        head(number, 'multipart/alternative; boundary="=_alt"', "7bit").encode()
        + b"--=_alt\r\n" + part.format("text/plain").encode()
        + quopri.encodestring(words(random_, 3000).encode())
        + b"\r\n--=_alt\r\n" + part.format("text/html").encode() + encoded + b"\r\n--=_alt--\r\n"
    )  # fmt: skip


def file_mail(random_: random.Random, number: int) -> bytes:
    size = int(random_.choice((20_000, 100_000, 150_000, 200_000, 3_000_000)) * 0.65)
    data = base64.encodebytes(random_.randbytes(size)).replace(b"\n", b"\r\n")
    return (
        head(number, 'multipart/mixed; boundary="=_mix"', "7bit").encode()
        + b"--=_mix\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n"
        + words(random_, 1500).encode("latin-1")
        + b'\r\n--=_mix\r\nContent-Type: application/pdf; name="Rechnung.pdf"\r\n'
        + b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n"
        + data + b"--=_mix--\r\n"
    )  # fmt: skip


def make_mix(count: int) -> list[bytes]:
    random_ = random.Random(4711)
    odd = sorted((Path(__file__).resolve().parents[1] / "tests" / "eml").glob("*.eml"))
    mails: list[bytes] = []
    for number in range(count):
        kind = number % 20
        if kind < 9:
            mails.append(text_mail(random_, number))
        elif kind < 16:
            mails.append(html_mail(random_, number, alternative=kind % 2 == 0))
        elif kind < 19 or not odd:
            mails.append(file_mail(random_, number))
        else:
            mails.append(odd[number // 20 % len(odd)].read_bytes())
    return mails


def read_with_stdlib(raw: bytes) -> None:
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        for _, value in message.items():
            str(value)
        for part in message.walk():
            if part.is_multipart():
                continue
            if part.get_content_maintype() == "text":
                part.get_content()
            else:
                hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest()
    except Exception:
        return  # it raises on some of the odd ones


def measure(read: Callable[[bytes], object], mails: list[bytes]) -> float:
    started = time.perf_counter()
    for raw in mails:
        read(raw)
    return len(mails) / (time.perf_counter() - started)


def main() -> None:
    mails = make_mix(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    average = sum(map(len, mails)) / len(mails)
    print(f"{len(mails)} mails, {average / 1000:.0f} kB on average, {ROUNDS} rounds")
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(measure(parse, mails))
        theirs.append(measure(read_with_stdlib, mails))
    print(f"mailcore.parse        {statistics.median(ours):7.0f} mails/s")
    print(f"email policy.default  {statistics.median(theirs):7.0f} mails/s")
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    print(f"ratio                 {statistics.median(ratios):7.1f} (round by round)")


if __name__ == "__main__":
    main()
