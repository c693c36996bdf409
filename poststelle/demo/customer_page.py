"""A page to be the customer: read what the company sent and answer it."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import parse_qs

from poststelle.demo.customers import Customers, Letter

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;
 color:#1b2430;background:#f4f6f8}
article{background:#fff;border:1px solid #d5dbe1;border-radius:8px;padding:1rem;margin:0 0 1rem}
h1{font-size:1.3rem}h2{font-size:1rem;margin:0}p.meta{color:#525e6b;margin:.1rem 0 .6rem}
pre{white-space:pre-wrap;font:inherit;margin:0 0 .8rem}
textarea{width:100%;box-sizing:border-box;min-height:5rem;font:inherit}
button{font:inherit;padding:.35rem .8rem;border:0;border-radius:6px;background:#0b5cad;color:#fff}
"""
_MAX_BODY = 100_000


async def serve_customer_page(customers: Customers, *, host: str, port: int) -> asyncio.Server:
    """A very small web server: GET / lists, POST / answers. For the demo on loopback only."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await asyncio.wait_for(_answer(reader, customers), timeout=10)
            writer.write(answer)
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass  # a browser that changed its mind
        finally:
            writer.close()

    return await asyncio.start_server(handle, host, port)


async def _answer(reader: asyncio.StreamReader, customers: Customers) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method = head.partition(" ")[0]
    if method == "POST":
        length = next(
            int(line.partition(":")[2])
            for line in head.lower().splitlines()
            if line.startswith("content-length:")
        )
        fields = parse_qs((await reader.readexactly(min(length, _MAX_BODY))).decode())
        number, text = int(fields["number"][0]), fields.get("text", [""])[0].strip()
        letter = next((each for each in customers.letters if each.number == number), None)
        if letter and text:
            await customers.answer(letter, text)
        return b"HTTP/1.1 303 See Other\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    body = _page(customers.letters).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
        b"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def _page(letters: list[Letter]) -> str:
    shown = "".join(_article(letter) for letter in reversed(letters[-50:]))
    return (
        f"<!doctype html><html lang=de><meta charset=utf-8><title>Kundenpostfach (Demo)</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>Kundenpostfach (Demo)</h1><p>Hier liegt, was die Musterfirma nach außen gesendet hat. "
        f"Antworten Sie als Kunde: Ihre Antwort erscheint im Ticket.</p>"
        f"{shown or '<p>Noch ist keine E-Mail angekommen.</p>'}</html>"
    )


def _article(letter: Letter) -> str:
    message = letter.message
    sender = str(message.from_[0]) if message.from_ else letter.sender
    files = ", ".join(file.filename for file in message.attachments if not file.is_inline)
    return (
        f"<article><h2>{escape(message.subject)}</h2>"
        f"<p class=meta>{letter.received_at.astimezone():%H:%M} · von {escape(sender)} an {escape(letter.to)}"
        f"{' · Anhang: ' + escape(files) if files else ''}</p>"
        f"<pre>{escape(message.text[:4000])}</pre>"
        f"<form method=post><input type=hidden name=number value={letter.number}>"
        f"<label>Antwort als {escape(letter.to)}<textarea name=text required></textarea></label>"
        f"<button>Antworten</button></form></article>"
    )
