"""The mails of the demo, built from mails.toml: varied on purpose, as a real mailbox is."""

from __future__ import annotations

import functools
import io
import itertools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid
from pathlib import Path

from fpdf import FPDF
from PIL import Image, ImageDraw

from mailcore.html_text import html_to_text
from mailcore.messages import ParsedMessage
from mailcore.threading import normalise_subject

COMPANY_DOMAIN = "musterfirma.example"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail on its way to the company."""

    to: str
    sender: str
    raw: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Text:
    """An entry of mails.toml."""

    to: str
    sender: str
    subject: str
    text: str = ""
    html: str = ""
    hours: float = 0
    reply_to: str = ""
    thread: str = ""
    answers: str = ""
    bounce_for: str = ""
    raw_charset: str = "utf-8"
    files: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())


def first_mails() -> list[Mail]:
    """What lies in the mailboxes when the demo starts, oldest first."""
    texts = sorted(_read("first"), key=lambda text: -text.hours)
    ids = {text.thread: _message_id(text) for text in texts if text.thread}
    return [_build(text, ids) for text in texts]


def later_mails() -> Iterator[Callable[[], Mail]]:
    """What keeps coming, over and over, each with its own Message-ID and time."""
    texts = _read("later")
    for number, text in enumerate(itertools.cycle(texts), start=1):
        yield functools.partial(_build, text, {}, number=number)


def answer_mail(message: ParsedMessage, *, customer: str, to: str, text: str) -> Mail:
    """The customer's reply, quoting what he got."""
    now = datetime.now(UTC)
    quoted = "\n".join(f"> {line}" for line in message.text.splitlines()[:20])
    answer = EmailMessage()
    answer["From"] = customer
    answer["To"] = to
    answer["Subject"] = f"AW: {normalise_subject(message.subject)}"
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = make_msgid(domain=customer.rpartition("@")[2])
    answer["In-Reply-To"] = f"<{message.message_id}>"
    answer["References"] = " ".join(f"<{i}>" for i in (*message.references, message.message_id))
    answer.set_content(
        f"{text}\n\nAm {now:%d.%m.%Y} schrieb {message.from_[0].name or to}:\n{quoted}"
    )
    return Mail(to, customer, answer.as_bytes(), now)


def bounce_mail(message: ParsedMessage, *, to: str, failed: str) -> Mail:
    """A delivery status notification (RFC 3464) for a message of the company."""
    now = datetime.now(UTC)
    head = (
        f"Message-ID: <{message.message_id}>\r\nSubject: {normalise_subject(message.subject)}\r\n"
    )
    return Mail(to, "", _delivery_status(to=to, failed=failed, head=head, when=now), now)


def _read(key: str) -> list[_Text]:
    data = tomllib.loads((Path(__file__).parent / "mails.toml").read_text(encoding="utf-8"))
    texts = []
    for entry in data[key]:
        for name in ("files", "inline"):
            entry[name] = tuple(entry.get(name, ()))
        entry["headers"] = tuple(entry.get("headers", {}).items())
        texts.append(_Text(sender=entry.pop("from"), **entry))
    return texts


def _message_id(text: _Text, number: int = 0) -> str:
    stamp = f"{text.to}{text.hours}{text.subject}".encode().hex()[-24:]
    suffix = f".{number}.{int(datetime.now(UTC).timestamp())}" if number else ""
    return f"{stamp}{suffix}@{_address(text.sender).rpartition('@')[2].encode('idna').decode()}"


def _address(text: str) -> str:
    return getaddresses([text])[0][1]


def _build(text: _Text, ids: dict[str, str], *, number: int = 0) -> Mail:
    when = datetime.now(UTC) - timedelta(hours=text.hours)
    to, sender = f"{text.to}@{COMPANY_DOMAIN}", _address(text.sender)
    if text.bounce_for:
        head = "Message-ID: <unbekannt@example.org>\r\nSubject: Ihre Bestellung\r\n"
        raw = _delivery_status(to=to, failed=text.bounce_for, head=head, when=when)
        return Mail(to, "", raw, when)
    message = EmailMessage()
    message["From"] = text.sender.replace(sender, _ascii_address(sender))
    message["To"] = to
    message["Subject"] = text.subject
    message["Date"] = format_datetime(when)
    message["Message-ID"] = f"<{_message_id(text, number)}>"
    if text.reply_to:
        message["Reply-To"] = text.reply_to
    if text.answers:
        message["In-Reply-To"] = message["References"] = f"<{ids[text.answers]}>"
    for name, value in text.headers:
        message[name] = value
    _fill(message, text)
    return Mail(to, sender, message.as_bytes(), when)


def _ascii_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def _fill(message: EmailMessage, text: _Text) -> None:
    plain = text.text or html_to_text(text.html)
    message.set_content(plain, charset=text.raw_charset)
    if text.html:
        message.add_alternative(text.html, subtype="html")
        html = list(message.iter_parts())[-1]
        domain = _address(text.sender).rpartition("@")[2]
        for name in text.inline:
            content_id = f"<{name.partition('.')[0]}@{domain}>"
            html.add_related(_picture(name), "image", "png", cid=content_id)
    for name in text.files:
        if name.endswith(".eml"):
            inner = EmailMessage()
            inner["From"], inner["Subject"] = "polier@becker-bau.example", "Reklamation"
            inner.set_content("Drei Platten haben Risse, Fotos folgen.")
            message.add_attachment(inner)
        elif name.endswith(".png"):
            message.add_attachment(_picture(name), "image", "png", filename=name)
        else:
            message.add_attachment(_document(name), "application", "pdf", filename=name)


def _picture(name: str) -> bytes:
    image = Image.new("RGB", (640, 400), "#e9edf1")
    draw = ImageDraw.Draw(image)
    shift = sum(name.encode()) % 120
    draw.rectangle((80 + shift, 60, 360 + shift, 300), outline="#0b5cad", width=6)
    draw.line((80 + shift, 340, 360 + shift, 340), fill="#a5231c", width=3)
    draw.text((90 + shift, 350), name, fill="#1b2430")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _document(name: str) -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=16)
    pdf.cell(text=name.rpartition(".")[0].encode("latin-1", "replace").decode("latin-1"))
    return bytes(pdf.output())


def _delivery_status(*, to: str, failed: str, head: str, when: datetime) -> bytes:
    return (
        f"From: Mail Delivery System <mailer-daemon@mx.provider.example>\r\nTo: {to}\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nDate: {format_datetime(when)}\r\n"
        f"Message-ID: {make_msgid(domain='mx.provider.example')}\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_dsn"\r\n\r\n'
        "--=_dsn\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"<{failed}>: host mx.kunde.example said: 550 5.1.1 User unknown\r\n\r\n"
        "--=_dsn\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.provider.example\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
        f"--=_dsn\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--=_dsn--\r\n"
    ).encode()
