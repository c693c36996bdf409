"""MIME parts of outgoing messages, as bytes: texts, files, pictures and how they nest."""

from __future__ import annotations

import binascii
import re
import secrets
from collections.abc import Sequence

from mailcore.errors import InvalidDraft
from mailcore.header_writing import bare_id, checked, encoded_words, parameter
from mailcore.messages import FilePart

_LONG_LINE = re.compile(rb"[^\n]{999}")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_BASE64_LINE = 76


def text_part(text: str, subtype: str) -> bytes:
    """A text/plain or text/html part: 7bit where it can be, else quoted-printable or base64."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    body = lines.replace("\n", "\r\n").encode("utf-8", "replace")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    charset = "utf-8"
    if body.isascii() and b"\0" not in body and not _LONG_LINE.search(body):
        charset, encoding = "us-ascii", "7bit"
    elif len(body) - len(body.decode("utf-8")) > len(body) // 6:
        encoding, body = "base64", _base64(body)
    else:
        encoding, body = "quoted-printable", binascii.b2a_qp(body, istext=True)
    header = f"Content-Type: text/{subtype}; charset={charset}\r\n"
    return f"{header}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


def file_part(file: FilePart, *, inline: bool = False) -> bytes:
    """An attachment, or with `inline` a picture for cid:. The content arrives byte for byte."""
    content_type = _content_type(file)
    name = checked("filename", file.filename).strip()
    is_message = content_type == "message/rfc822"
    as_it_is = is_message and _is_7bit(file.content)
    if is_message and not as_it_is:
        # RFC 2046 5.2.1 forbids to encode an enclosed message: it travels as a file.
        content_type = "application/octet-stream"
    parts = [f"Content-Type: {content_type}"]
    if name:
        parts.append(_old_name(name))
    disposition = [f"Content-Disposition: {'inline' if inline else 'attachment'}"]
    if name:
        disposition.extend(parameter("filename", name))
    lines = [";\r\n ".join(parts), ";\r\n ".join(disposition)]
    if file.content_id:
        content_id = bare_id(checked("content_id", file.content_id))
        if not content_id:
            raise InvalidDraft("content_id", "bad-value")
        lines.append(f"Content-ID: <{content_id}>")
    lines.append(f"Content-Transfer-Encoding: {'7bit' if as_it_is else 'base64'}")
    body = file.content if as_it_is else _base64(file.content)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """The parts in one; a single part stays as it is."""
    if len(parts) == 1:
        return parts[0]
    # „=_" can stand in neither base64 nor quoted-printable.
    boundary = f"=_{secrets.token_hex(12)}"
    kind = '; type="text/html"' if subtype == "related" else ""
    header = f'Content-Type: multipart/{subtype}{kind};\r\n boundary="{boundary}"\r\n\r\n'
    chunks = [header.encode()]
    for part in parts:
        chunks += [b"--", boundary.encode(), b"\r\n", part, b"\r\n"]
    chunks += [b"--", boundary.encode(), b"--\r\n"]
    return b"".join(chunks)


def _content_type(file: FilePart) -> str:
    declared = checked("content_type", file.content_type).partition(";")[0].strip().lower()
    if not _CONTENT_TYPE.fullmatch(declared) or declared.startswith("multipart/"):
        return "application/octet-stream"
    return declared


def _old_name(name: str) -> str:
    """`name=` for programs that know no RFC 2231; they read encoded words there."""
    if name.isascii() and name.isprintable() and len(name) < 60:
        return parameter("name", name)[0]
    return 'name="' + "\r\n ".join(encoded_words(name)) + '"'


def _is_7bit(content: bytes) -> bool:
    lines = content.count(b"\r\n")
    return (
        content.isascii()
        and b"\0" not in content
        and content.count(b"\n") == content.count(b"\r") == lines
        and not _LONG_LINE.search(content)
    )


def _base64(content: bytes) -> bytes:
    encoded = binascii.b2a_base64(content, newline=False)
    lines = range(0, len(encoded), _BASE64_LINE)
    return b"\r\n".join([encoded[start : start + _BASE64_LINE] for start in lines]) + b"\r\n"
