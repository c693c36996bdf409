"""What the tests of the „abschicken“ dialog share: PDFs, files of a document, what arrived."""

from __future__ import annotations

import io

from django.urls import reverse
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from documents.models import Document, DocumentFile
from mailcore.parse import parse, read_part
from mailstore.blobs import put_blob
from mailstore.read import read_raw
from outbox.models import OutgoingMessage


def make_pdf(*pages: str) -> bytes:
    pdf = FPDF()
    pdf.set_font("helvetica")
    for text in pages:
        pdf.add_page()
        pdf.cell(text=text)
    return bytes(pdf.output())


def make_locked_pdf() -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(make_pdf("geheim"))))
    writer.encrypt("geheim", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def attach(document: Document, name: str, content: bytes) -> DocumentFile:
    kind = "application/pdf" if name.endswith(".pdf") else "text/plain"
    return document.files.create(
        name=name, content_type=kind, sha256=put_blob(content), size=len(content)
    )


def url_of(document: Document, name: str = "dispatch", *more: str) -> str:
    return reverse(f"documents:{name}", args=[document.pk, *more])


def sent_files() -> list[tuple[str, bytes]]:
    outgoing = OutgoingMessage.objects.get()
    raw = read_raw(outgoing.message)
    return [(one.filename, read_part(raw, one.path)) for one in parse(raw).attachments]


def words_of(pdf: bytes) -> list[str]:
    return [page.extract_text().strip() for page in PdfReader(io.BytesIO(pdf)).pages]
