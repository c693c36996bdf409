from documents.models.dispatch import Dispatch
from documents.models.document import Document, DocumentKind, Position

__all__ = ["Dispatch", "Document", "DocumentKind", "Position"]
