"""Files and PDFs of documents in the blob store: the archive's retention leaves them alone."""

from __future__ import annotations

from collections.abc import Collection

from documents.models import Dispatch, Document, DocumentFile, LetterTemplateFile

_COLUMNS = (
    (Document, "own_pdf_sha256"),
    (Document, "pdf_sha256"),
    (Dispatch, "pdf_sha256"),
    (DocumentFile, "sha256"),
    (LetterTemplateFile, "sha256"),
)


def find_kept(hashes: Collection[str]) -> set[str]:
    return {
        sha256
        for model, column in _COLUMNS
        for sha256 in model._default_manager.filter(**{f"{column}__in": hashes}).values_list(
            column, flat=True
        )
    }
