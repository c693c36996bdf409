from documents.models.attached_file import AttachedFile, DocumentFile, LetterTemplateFile
from documents.models.delivery import DeliveryPreference
from documents.models.dispatch import Dispatch
from documents.models.document import Document, DocumentKind, Position
from documents.models.letter_template import LetterTemplate
from documents.models.printer import DispatchChoice, Printer

__all__ = [
    "AttachedFile",
    "DeliveryPreference",
    "Dispatch",
    "DispatchChoice",
    "Document",
    "DocumentFile",
    "DocumentKind",
    "LetterTemplate",
    "LetterTemplateFile",
    "Position",
    "Printer",
]
