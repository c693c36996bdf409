from documents.models.delivery import DeliveryPreference
from documents.models.dispatch import Dispatch
from documents.models.document import Document, DocumentKind, Position

__all__ = ["DeliveryPreference", "Dispatch", "Document", "DocumentKind", "Position"]
