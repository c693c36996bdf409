"""„Sammelpdf“: several PDFs become one, page after page in the given order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from io import BytesIO

from django.utils.translation import gettext as _
from pypdf import PdfReader, PdfWriter

from documents.errors import DispatchRefused, Problem
from mailcore.messages import FilePart

log = logging.getLogger(__name__)
PDF = "application/pdf"


def combine_pdfs(files: Sequence[FilePart], *, name: str) -> FilePart:
    """One PDF of all these; a single one stays as it is, byte for byte.

    Raises DispatchRefused naming every file that is locked or broken.
    """
    if len(files) == 1:
        return files[0]
    writer = PdfWriter()
    problems = [problem for file in files if (problem := _append(writer, file))]
    if problems:
        raise DispatchRefused(problems)
    combined = BytesIO()
    writer.write(combined)
    return FilePart(name, PDF, combined.getvalue())


def _append(writer: PdfWriter, file: FilePart) -> Problem | None:
    """Adds the file's pages, or says what is wrong with it."""
    locked = _(
        "„%(name)s“ ist mit einem Kennwort geschützt und passt in kein Sammelpdf. Wählen Sie die "
        "Datei ab oder verzichten Sie auf das Sammelpdf."
    )
    broken = _(
        "„%(name)s“ ist beschädigt und passt in kein Sammelpdf. Wählen Sie die Datei ab oder "
        "verzichten Sie auf das Sammelpdf."
    )
    words = {"name": file.filename}
    try:
        reader = PdfReader(BytesIO(file.content))
        if reader.is_encrypted:
            return Problem("files", locked % words, file.filename)
        if not reader.pages:
            return Problem("files", broken % words, file.filename)
        writer.append(reader, import_outline=False)
    except Exception as error:  # noqa: BLE001 - the boundary of one file: a broken PDF raises anything
        log.info("no PDF to combine: %s (%s)", file.filename, error)
        return Problem("files", broken % words, file.filename)
    return None
