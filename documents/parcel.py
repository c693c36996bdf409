"""What leaves the house with a document: its PDF and the files beside it, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from documents.combine_pdf import PDF, combine_pdfs
from documents.dispatch_content import Channel, DispatchContent
from documents.errors import DispatchRefused, Problem
from documents.freeze import FrozenPdf, prepare_pdf, read_pdf
from documents.models import Document
from mailcore.messages import FilePart
from mailstore.blobs import put_blob, sha256_of


@dataclass(frozen=True, slots=True)
class Parcel:
    """`pdf`: the document itself; `paper`: what is printed and faxed; `files`: what the mail carries."""

    pdf: FrozenPdf
    paper: FilePart
    paper_sha256: str
    files: tuple[FilePart, ...]


def pack(document: Document, content: DispatchContent) -> Parcel:
    """Puts every PDF that will leave into the blob store. Raises DispatchRefused."""
    try:
        pdf = prepare_pdf(document)
    except (FileNotFoundError, ValueError) as error:
        raise DispatchRefused([Problem("", _missing_pdf())]) from error
    own = FilePart(document.file_name, PDF, pdf.content)
    paper, files = _arranged(document, content, own)
    sha256 = pdf.sha256 if paper is own else put_blob(paper.content)
    return Parcel(pdf, paper, sha256, files)


def look_into(document: Document, content: DispatchContent) -> Parcel:
    """The same for the preview: nothing is stored."""
    try:
        pdf = read_pdf(document)
    except (FileNotFoundError, ValueError) as error:
        raise DispatchRefused([Problem("", _missing_pdf())]) from error
    own = FilePart(document.file_name, PDF, pdf)
    paper, files = _arranged(document, content, own)
    return Parcel(FrozenPdf(pdf, sha256_of(pdf)), paper, sha256_of(paper.content), files)


def _missing_pdf() -> str:
    return _(
        "Das PDF des Belegs fehlt im Speicher oder ist beschädigt. Bitte wenden Sie sich an die "
        "Administration."
    )


def _arranged(
    document: Document, content: DispatchContent, own: FilePart
) -> tuple[FilePart, tuple[FilePart, ...]]:
    """(what is printed, what the mail carries). A „Sammelpdf“ stands where its first PDF stood."""
    in_order = [*content.files[: content.place], own, *content.files[content.place :]]
    if not content.combines or content.channels.isdisjoint(
        {Channel.MAIL, Channel.PRINTER, Channel.FAX}
    ):
        return own, tuple(in_order)
    pdfs = [file for file in in_order if file.content_type == PDF]
    name = f"{document.file_name.removesuffix('.pdf')}-mit-Anlagen.pdf"
    combined = combine_pdfs(pdfs, name=name)
    at = in_order.index(pdfs[0])
    rest = [file for file in in_order if file.content_type != PDF]
    return combined, (*rest[:at], combined, *rest[at:])
