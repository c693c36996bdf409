"""Keeping files with a document or a letter template."""

from __future__ import annotations

from typing import Any, TypedDict

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from company.models import User
from documents.errors import NotPossible
from documents.models import Document, DocumentFile, LetterTemplate, LetterTemplateFile
from mailcore.filenames import guess_type, safe_filename
from mailstore.blobs import put_blob

MAX_FILE_BYTES = 18_000_000  # what a mail can carry
MAX_FILES = 40


class _Stored(TypedDict):
    name: str
    content_type: str
    sha256: str
    size: int


def attach_to_document(*, document: Document, file: UploadedFile[Any], user: User) -> DocumentFile:
    """Keeps the file; the very same one is kept once. Raises NotPossible with the reason."""
    check_upload(file, document.files.count())
    values = _stored(file)
    kept, _is_new = DocumentFile.objects.get_or_create(
        document=document,
        name=values["name"],
        sha256=values["sha256"],
        defaults={**values, "created_by": user},
    )
    return kept


def attach_to_template(*, template: LetterTemplate, file: UploadedFile[Any]) -> LetterTemplateFile:
    """Keeps the file; the very same one is kept once. Raises NotPossible with the reason."""
    check_upload(file, template.files.count())
    values = _stored(file)
    kept, _is_new = LetterTemplateFile.objects.get_or_create(
        template=template, name=values["name"], sha256=values["sha256"], defaults=values
    )
    return kept


def check_upload(file: UploadedFile[Any], count: int) -> None:
    """Raises NotPossible; `count`: how many files there are already."""
    name = _name(file)
    words = {"name": name, "count": MAX_FILES}
    if count >= MAX_FILES:
        raise NotPossible(_("Mehr als %(count)s Dateien sind nicht möglich.") % words)
    if (file.size or 0) > MAX_FILE_BYTES:
        raise NotPossible(_("„%(name)s“ ist größer als 18 MB.") % words)
    if not file.size:
        raise NotPossible(_("„%(name)s“ ist leer.") % words)
    if guess_type(name) == "application/pdf":
        start = file.read(5)
        file.seek(0)
        if start != b"%PDF-":
            raise NotPossible(_("„%(name)s“ ist keine PDF-Datei.") % words)


def _name(file: UploadedFile[Any]) -> str:
    return safe_filename(file.name or "")[:200] or "datei"


def _stored(file: UploadedFile[Any]) -> _Stored:
    name = _name(file)
    content = bytes(file.read())
    return _Stored(
        name=name, content_type=guess_type(name), sha256=put_blob(content), size=len(content)
    )
