"""The files the „abschicken“ dialog offers: the document's PDF, its files, those of the letter template."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _

from documents.models import AttachedFile, Document, DocumentFile, LetterTemplate
from mailcore.messages import FilePart
from mailstore.blobs import get_blob

OWN = "beleg"  # the key of the document's PDF


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A line of the list; `sha256` is "" for the document's own PDF, which is always sent."""

    key: str
    name: str
    url: str
    content_type: str = "application/pdf"
    size: int = 0  # bytes
    sha256: str = ""
    is_ticked: bool = True
    problem: str = ""

    @property
    def is_own(self) -> bool:
        return not self.sha256


class FileVanished(Exception):
    """The bytes are no longer in the store; `key` is the file's."""

    def __init__(self, key: str, name: str) -> None:
        super().__init__(name)
        self.key, self.name = key, name

    @property
    def text(self) -> str:
        """What a person can do about it."""
        return _(
            "„%(name)s“ ist nicht mehr vorhanden. Wählen Sie die Datei ab oder fügen Sie sie noch "
            "einmal hinzu."
        ) % {"name": self.name}


def offered_files(document: Document, template: LetterTemplate | None) -> list[OfferedFile]:
    """The document's PDF first, then its files, then the template's; all of them ticked."""
    own = OfferedFile(OWN, document.file_name, reverse("documents:pdf", args=[document.pk]))
    files: list[AttachedFile] = list(document.files.all())
    if template is not None:
        files += template.files.all()
    return [own, *(_offer(file) for file in files)]


def arrange(
    offered: Sequence[OfferedFile], *, order: Sequence[str], ticked: Collection[str]
) -> list[OfferedFile]:
    """As a person arranged and ticked them. What the order does not name is new: ticked, at the end."""
    place = {key: at for at, key in enumerate(order)}
    arranged = sorted(offered, key=lambda file: place.get(file.key, len(place)))
    return [
        replace(file, is_ticked=file.is_own or file.key in ticked or file.key not in place)
        for file in arranged
    ]


def read_file(file: OfferedFile) -> FilePart:
    """The bytes, ready to be sent. Raises FileVanished."""
    try:
        content = get_blob(file.sha256)
    except (FileNotFoundError, ValueError) as error:
        raise FileVanished(file.key, file.name) from error
    return FilePart(file.name, file.content_type, content)


def read_attached(file: AttachedFile) -> FilePart:
    """The same for the file of a document or a template."""
    return read_file(_offer(file))


def _offer(file: AttachedFile) -> OfferedFile:
    is_of_document = isinstance(file, DocumentFile)
    view = "documents:file" if is_of_document else "documents:template_file"
    return OfferedFile(
        key=f"{'datei' if is_of_document else 'vorlage'}-{file.pk}",
        name=file.name,
        url=reverse(view, args=[file.pk]),
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )
