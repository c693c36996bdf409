"""Uploads: any number of files in one field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from mailcore.filenames import guess_type, safe_filename
from mailcore.messages import FilePart


class SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, as FileParts."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> tuple[FilePart, ...]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return tuple(_read(super(FilesField, self).clean(file, initial)) for file in files)


def _read(file: UploadedFile[Any]) -> FilePart:
    name = safe_filename(file.name or "") or "datei"
    return FilePart(filename=name, content_type=guess_type(name), content=file.read())
