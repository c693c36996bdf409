"""Mails as bytes, for tests of the ticket pages."""

from __future__ import annotations

import itertools
from email.message import EmailMessage

_count = itertools.count(1)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def letter(
    text: str = "Guten Tag",
    *,
    html: str = "",
    sender: str = "Hans Huber <hans@huber.example>",
    to: str = "Support <support@firma.example>",
    cc: str = "",
    subject: str = "Lieferung unvollständig",
    picture: bytes = b"",
    files: tuple[tuple[str, str, bytes], ...] = (),
) -> bytes:
    """A mail from a customer; `picture` stands inside the HTML as cid:bild@huber."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = f"<brief-{next(_count)}@huber.example>"
    if cc:
        mail["Cc"] = cc
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
        if picture:
            mail.get_payload()[1].add_related(picture, "image", "png", cid="<bild@huber>")  # type: ignore[index,union-attr]
    for name, content_type, content in files:
        kind, _, subtype = content_type.partition("/")
        mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
    return mail.as_bytes()
