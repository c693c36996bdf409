"""A document's PDF: drawn anew while it may change, the very same bytes from the first dispatch on."""

from __future__ import annotations

from dataclasses import dataclass

from documents.letter import compose_letter
from documents.models import Document
from documents.pdf import render_pdf
from mailstore.blobs import get_blob, put_blob


@dataclass(frozen=True, slots=True)
class FrozenPdf:
    """Bytes that stand in the blob store."""

    content: bytes
    sha256: str


def read_pdf(document: Document) -> bytes:
    """The PDF as it would be sent now: the frozen one, else the own one, else the drawn letter."""
    stored = document.pdf_sha256 or document.own_pdf_sha256
    return get_blob(stored) if stored else render_pdf(compose_letter(document))


def prepare_pdf(document: Document) -> FrozenPdf:
    """Puts the PDF into the blob store; no row is changed. Call it before the transaction."""
    content = read_pdf(document)
    return FrozenPdf(content, document.pdf_sha256 or put_blob(content))


def mark_frozen(document: Document, pdf: FrozenPdf) -> bool:
    """Fixes this PDF as the document's, inside the caller's transaction.

    False where another PDF was frozen meanwhile, or the release was withdrawn.
    """
    may_leave = Document.objects.filter(
        pk=document.pk, state__in=(Document.State.RELEASED, Document.State.SENT)
    )
    if may_leave.filter(pdf_sha256__in=("", pdf.sha256)).update(pdf_sha256=pdf.sha256):
        document.pdf_sha256 = pdf.sha256
        return True
    return False
