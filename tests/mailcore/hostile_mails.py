"""Mails made to take long, of any size: each repeats what once was, or could be, quadratic."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable

HEAD = b"From: hans@kunde.example\r\n"
END = b"\r\n\r\nHallo\r\n"


def _header(start: bytes, piece: bytes) -> Callable[[int], bytes]:
    """A header that repeats a piece up to the size."""
    return lambda size: HEAD + start + piece * (size // len(piece)) + END


def _body(content_type: bytes, piece: bytes, start: bytes = b"") -> Callable[[int], bytes]:
    head = HEAD + b"Content-Type: " + content_type + b"\r\n\r\n"
    return lambda size: head + start + piece * (size // len(piece))


def _encoded(content_type: bytes, piece: bytes) -> Callable[[int], bytes]:
    """The same, in base64, so that any bytes come through."""
    head = (
        HEAD + b"Content-Type: " + content_type + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return lambda size: head + base64.encodebytes(piece * (size * 3 // 4 // len(piece)))


def _nest(size: int) -> bytes:
    level = b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n'
    levels = min(size // 60, 20_000)
    return HEAD + b"".join(level % (at, at) for at in range(levels)) + b"\r\nEnde\r\n"


def _tnef(attributes: bytes) -> bytes:
    head = HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\r\n"
    head += b"Content-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(b"\x78\x9f\x3e\x22\x01\x00" + attributes)


def _tnef_attribute(level: int, tag: int, data: bytes) -> bytes:
    checksum = struct.pack("<H", sum(data) & 0xFFFF)
    return struct.pack("<BII", level, tag, len(data)) + data + checksum


def _tnef_many_files(size: int) -> bytes:
    one = _tnef_attribute(2, 0x00069002, b"\0" * 14) + _tnef_attribute(2, 0x0006800F, b"x")
    return _tnef(one * (size // len(one)))


def _tnef_compressed_bomb(size: int) -> bytes:
    """A compressed RTF body that claims to unpack to two gigabytes."""
    packed = b"\x00\x12\xf1" * (size // 4)
    rtf = struct.pack("<IIII", len(packed) + 12, 2_000_000_000, 0x75465A4C, 0) + packed
    prop = struct.pack("<IHHII", 1, 0x0102, 0x1009, 1, len(rtf)) + rtf + b"\0" * (-len(rtf) % 4)
    return _tnef(_tnef_attribute(1, 0x00069003, prop))


def _tnef_many_properties(size: int) -> bytes:
    count = size // 12
    props = struct.pack("<I", count) + struct.pack("<HHI", 0x0003, 0x1234, 7) * count
    return _tnef(_tnef_attribute(1, 0x00069003, props))


HOSTILE: dict[str, Callable[[int], bytes]] = {
    # headers
    "quotes that never end": _header(b"To: ", b'"\\'),
    "comments that never end": _header(b"To: ", b"(a "),
    "comments in comments": _header(b"To: a@b.example ", b"((a)"),
    "comments, angles and quotes": _header(b"To: ", b'(<"'),
    "angles that never end": _header(b"To: ", b"<a@b.example "),
    "many addresses": _header(b"To: ", b"a@b.example, "),
    "many addresses without commas": _header(b"To: ", b"<a@b.example> "),
    "many names without addresses": _header(b"To: ", b"Hans, "),
    "addresses of encoded words": _header(b"To: ", b"=?utf-8?Q?a=40b.example?= "),
    "many groups": _header(b"To: ", b"a:b@c.example;"),
    "colons behind an address": _header(b"To: a@b", b":"),
    "at signs": _header(b"To: ", b"@"),
    "encoded words that never end": _header(b"Subject: ", b"=?utf-8?q?"),
    "encoded words": _header(b"Subject: ", b"=?utf-8?q?=41?= "),
    "encoded words in base64": _header(b"Subject: ", b"=?utf-8?b?QQ==?= "),
    "encoded words of many charsets": _header(b"Subject: ", b"=?koi8-r?q?=C1?= =?utf-7?q?+AGE-?= "),
    "encoded words with blanks": _header(b"Subject: ", b"=?utf-8?q?a b "),
    "question marks": _header(b"Subject: ", b"=?a?"),
    "blanks in a subject": _header(b"Subject: x", b" "),
    "reply prefixes": _header(b"Subject: ", b"Re: "),
    "ticket hooks": _header(b"Subject: ", b"[Ticket#1"),
    "escaped quotes in a parameter": _header(b'Content-Type: text/plain; a="', b'\\"'),
    "many parameters": _header(b"Content-Type: text/plain", b"; a=b"),
    "continued parameters": _header(b"Content-Type: text/plain", b"; name*0*=a"),
    "semicolons": _header(b"Content-Type: text/plain", b";"),
    "equal signs": _header(b"Content-Disposition: attachment; filename", b"="),
    "folds": _header(b"X: a", b"\r\n b"),
    "folds of blanks": _header(b"X: a", b"\r\n "),
    "names folded before the colon": _header(b"", b"From\r\n : a\r\n"),
    "lines of blanks": _header(b"X: a", b"\r\n  \r\nX: a"),
    "many headers": _header(b"", b"X: a\r\n"),
    "many known headers": _header(b"", b"Received: a; x\r\n"),
    "junk lines": _header(b"", b"junk\r\nTo: a@b\r\n"),
    "one long line": _header(b"", b"a"),
    "carriage returns": _header(b"X: ", b"\r"),
    "ids that never end": _header(b"References: ", b"<"),
    "many ids": _header(b"References: ", b"<a@b.example> "),
    "many different ids": lambda size: (
        HEAD + b"References: " + b" ".join(b"<%d@b>" % at for at in range(size // 12)) + END
    ),
    "ids without brackets": _header(b"In-Reply-To: ", b"a@b.example "),
    "a date that never ends": _header(b"Date: ", b"Mon, 3 "),
    "digits in a date": _header(b"Date: ", b"9"),
    # the tree
    "false boundaries": _body(b'multipart/mixed; boundary="a"', b"\n--aX"),
    "short boundaries": _body(b'multipart/mixed; boundary="a"', b"\n--a"),
    "empty parts": _body(b'multipart/mixed; boundary="a"', b"\n--a--"),
    "blanks behind a boundary": _body(b'multipart/mixed; boundary="a"', b" ", b"--"),
    "boundaries to be guessed": _body(b"multipart/mixed", b"\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "dashes": _body(b"multipart/mixed; boundary=x", b"-"),
    "parts that are multiparts": _body(
        b'multipart/mixed; boundary="a"', b"\n--a\nContent-Type: multipart/mixed; boundary=b\n\n"
    ),
    "a deep nest": _nest,
    "one boundary on every level": _body(
        b'multipart/mixed; boundary="a"', b"--a\nContent-Type: multipart/mixed; boundary=a\n\n"
    ),
    "enclosed messages": _body(b"message/rfc822", b"Content-Type: message/rfc822\n\n"),
    "header lines in every part": _body(b'multipart/mixed; boundary="a"', b"\n--a\nA: b\nA: b\nA: b\n\n"),
    # transfer encodings
    "padded pieces": _body(b"text/plain\r\nContent-Transfer-Encoding: base64", b"QQ=="),
    "base64 of blanks": _body(b"text/plain\r\nContent-Transfer-Encoding: base64", b" "),
    "base64 with an equal sign first": _body(
        b"text/plain\r\nContent-Transfer-Encoding: base64", b"A", b"="
    ),
    "base64 with stars": _body(b"text/plain\r\nContent-Transfer-Encoding: base64", b"QUFB" * 20 + b"*"),
    "equal signs in base64": _body(b"text/plain\r\nContent-Transfer-Encoding: base64", b"="),
    "soft breaks with blanks": _body(
        b"text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"=" + b" " * 50
    ),
    "equal signs in quoted-printable": _body(
        b"text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"="
    ),
    "uuencoded beginnings": _body(b"text/plain", b"begin 644 a\n"),
    "uuencoded files that are none": _body(b"text/plain", b"begin 644 a\n~~~\nend\n"),
    "uuencoded lines": _body(b"text/plain", b"M" + b"A" * 60 + b"\n", b"begin 644 a\n"),
    "uuencoded lines with garbage": _body(b"text/plain", b"#AAAAzzz\n", b"begin 644 a\n"),
    # charsets
    "bytes that are no utf-8": _encoded(b"text/plain; charset=utf-8", b"\xc3\xbc\xff\xff\xff\xff"),
    "bytes that are no utf-8 in turn": _encoded(b"text/plain; charset=utf-8", b"\xc3\xbc\xffa\xff "),
    "iso-2022-jp with vendor rows": _encoded(b"text/plain; charset=iso-2022-jp", b"\x1b$B\x2d\x21\x1b(B"),
    "escapes of iso-2022-jp": _encoded(b"text/plain", b"\x1b$B"),
    "escapes without an end": _encoded(b"text/plain", b"\x1b$B!!" + b"!" * 500),
    "utf-7": _body(b"text/plain; charset=utf-7", b"+AGE-"),
    "broken utf-7": _body(b"text/plain; charset=utf-7", b"+A"),
    "hz": _body(b"text/plain; charset=hz", b"~{VP~}"),
    "gb18030 that is broken": _encoded(b"text/plain; charset=gb18030", b"\x81\x30\x81"),
    "punycode": _body(b"text/plain; charset=punycode", b"a-"),
    "utf-16 halves": _encoded(b"text/plain; charset=utf-16", b"\x00\xd8"),
    "iso-2022-kr": _encoded(b"text/plain; charset=iso-2022-kr", b"\x0e!!\x0f"),
    # HTML
    "angles in HTML": _body(b"text/html", b"<"),
    "tags that never end": _body(b"text/html", b"<a '"),
    "tags with quotes in turn": _body(b"text/html", b"<a \"'<b '\""),
    "attributes that never end": _body(b"text/html", b'<a "x" ' + b'"<a" ' * 50),
    "comments in HTML that never end": _body(b"text/html", b"<!--"),
    "comments in HTML": _body(b"text/html", b"<!-- x -->"),
    "scripts that never end": _body(b"text/html", b"<script>"),
    "styles": _body(b"text/html", b"<style></style>"),
    "entities": _body(b"text/html", b"&amp;&#x41;&#xD800;"),
    "entities that never end": _body(b"text/html", b"&a"),
    "nested blocks": _body(b"text/html", b"<div>"),
    "nested quotes": _body(b"text/html", b"<blockquote>x"),
    "nested lists": _body(b"text/html", b"<ul><li>x"),
    "end tags": _body(b"text/html", b"</p>"),
    "cells": _body(b"text/html", b"<td>"),
    "styles that never end": _body(b"text/html", b"<style>"),
    "double quotes in tags that never end": _body(b"text/html", b'<a "'),
    "line breaks": _body(b"text/html", b"<br>"),
    "links": _body(b"text/html", b'<a href="http://x.example/">www.x.example</a>'),
    "links that never end": _body(b"text/html", b"<a href=http://x.example/>x"),
    "one tag with many attributes": _body(b"text/html", b" a=b", b"<p"),
    "pictures inside": lambda size: (
        HEAD
        + b'Content-Type: multipart/related; boundary="a"\r\n\r\n--a\r\nContent-Type: text/html\r\n\r\n'
        + b"<img src=cid:x>" * (size // 15)
        + b"\r\n--a\r\nContent-Type: image/png\r\nContent-ID: <x>\r\n\r\nx\r\n--a--"
    ),
    "meta without an end": _body(b"text/html", b"<meta "),
    "zero-width characters": _body(b"text/html; charset=utf-8", "\u200b\u00a0".encode()),
    "enriched text": _body(b"text/enriched", b"<param>"),
    # texts
    "quotes and answers in turn": _body(b"text/plain", b"> a\nb\n"),
    "attributions": _body(b"text/plain", b"Am 3.9.2024 schrieb a\n"),
    "attributions on long lines": _body(b"text/plain", b"am 1 " * 200 + b"\n"),
    "Outlook labels": _body(b"text/plain", b"Von: a\nGesendet: b\n"),
    "empty lines": _body(b"text/plain", b"\n"),
    "flowed lines": _body(b"text/plain; format=flowed", b"a \n"),
    "flowed quotes": _body(b"text/plain; format=flowed", b"> " * 300 + b"\n"),
    # bounces
    "status groups": _body(b"message/delivery-status", b"Final-Recipient: rfc822; a@b.c\nAction: failed\n\n"),
    "a status without groups": _body(b"message/delivery-status", b"Final-Recipient: rfc822; a@b.c\n"),
    "ids in a bounce": lambda size: (
        b"From: MAILER-DAEMON@x.example\r\nSubject: Undeliverable\r\n\r\n"
        + b"Message-ID: <a@b.example>\n" * (size // 26)
    ),
    "addresses in a bounce": lambda size: (
        b"From: MAILER-DAEMON@x.example\r\nSubject: Undeliverable\r\n\r\n"
        + b"".join(b"<a%d@b.example> 550\n" % at for at in range(size // 24))
    ),
    "dots in a bounce": lambda size: (
        b"From: MAILER-DAEMON@x.example\r\nSubject: Undeliverable\r\n\r\na@" + b"a." * (size // 2)
    ),
    # winmail.dat
    "winmail.dat with many files": _tnef_many_files,
    "winmail.dat with a compressed text": _tnef_compressed_bomb,
    "winmail.dat with many properties": _tnef_many_properties,
    "winmail.dat of zeros": lambda size: _tnef(b"\0" * (size * 3 // 4)),
    "a compressed file": lambda size: (
        HEAD
        + b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(zlib.compress(b"\0" * size * 100))
    ),
}  # fmt: skip
