"""Mails made to take long: reading stays linear in their size."""

from __future__ import annotations

import time

import pytest

from mailcore.parse import parse
from mailcore.quotes import split_quoted

HEADERS = {
    "quotes that never end": b"To: " + b'"\\' * 60_000,
    "comments that never end": b"To: " + b"(a " * 60_000,
    "comments, angles and quotes": b"To: " + b'(<"' * 60_000,
    "colons behind an address": b"To: a@b" + b":" * 200_000,
    "encoded words that never end": b"Subject: " + b"=?utf-8?q?" * 20_000,
    "escaped quotes in a parameter": b'Content-Type: text/plain; a="' + b'\\"' * 80_000,
    "folds": b"X: a" + b"\r\n b" * 60_000,
    "ids that never end": b"References: " + b"<" * 200_000,
}
BODIES = {
    "padded pieces": (b"text/plain\r\nContent-Transfer-Encoding: base64", b"QQ==" * 250_000),
    "blanks behind a boundary": (b'multipart/mixed; boundary="a"', b"--" + b" " * 1_000_000),
    "false boundaries": (b'multipart/mixed; boundary="a"', b"\n--aX" * 200_000),
    "empty parts": (b'multipart/mixed; boundary="a"', b"\n--a--" * 150_000),
    "uuencoded beginnings": (b"text/plain", b"begin 644 a\n" * 80_000),
    "tags that never end": (b"text/html", b"<" * 500_000),
    "quotes and answers in turn": (b"text/plain", b"> a\nb\n" * 150_000),
}


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_hostile_header_is_read_soon(name: str) -> None:
    started = time.perf_counter()
    message = parse(b"From: hans@kunde.example\r\n" + HEADERS[name] + b"\r\n\r\nHallo\r\n")
    assert time.perf_counter() - started < 3.0
    assert message.text == "Hallo\n"


@pytest.mark.parametrize("name", sorted(BODIES))
def test_hostile_body_is_read_soon(name: str) -> None:
    content_type, body = BODIES[name]
    started = time.perf_counter()
    message = parse(b"From: a@b.example\r\nContent-Type: " + content_type + b"\r\n\r\n" + body)
    split_quoted(message.text)
    assert time.perf_counter() - started < 4.0
    assert message.from_[0].email == "a@b.example"
