"""Creating and changing a draft with its positions."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from company.models import User
from company.take_number import take_number
from documents.errors import NotPossible
from documents.models import Document, DocumentKind, Position
from mailstore.blobs import put_blob

_EDITABLE = (
    *("date", "address", "contact", "project", "service_date", "subject", "intro"),
    *("closing", "own_pdf_sha256"),
)


def save_document(
    *,
    document: Document,
    positions: Sequence[Position],
    user: User,
    own_pdf: bytes | None = None,
) -> Document:
    """Writes a draft and replaces its positions, in their order.

    A new document without a number gets the next one of its kind. `own_pdf`: None keeps what there
    is, b"" removes it. Raises NotPossible where the document was released meanwhile.
    """
    if own_pdf is not None:
        document.own_pdf_sha256 = put_blob(own_pdf) if own_pdf else ""
    try:
        with transaction.atomic():
            _write(document, positions, user)
    except IntegrityError as error:
        # Somebody gave away the same number by hand a moment ago.
        raise NotPossible(_("Diese Nummer ist schon vergeben.")) from error
    return document


def _write(document: Document, positions: Sequence[Position], user: User) -> None:
    if document._state.adding:
        document.created_by = user
        document.number = document.number or _next_number(document.kind)
        document.save()
    else:
        _claim_draft(document)
        document.save(update_fields=_EDITABLE)
        document.positions.all().delete()
    for order, position in enumerate(positions, start=1):
        position.pk = None
        position.document = document
        position.order = order
    Position.objects.bulk_create(positions)


def _claim_draft(document: Document) -> None:
    """Holds the row, so that a release cannot slip between check and write."""
    draft = Document.objects.filter(pk=document.pk, state=Document.State.DRAFT)
    if not draft.update(state=Document.State.DRAFT):
        raise NotPossible(
            _("Der Beleg wurde inzwischen freigegeben und lässt sich nicht mehr ändern.")
        )


def _next_number(kind: DocumentKind) -> str:
    """The next free number; those a person gave away by hand are passed over."""
    while True:
        number = str(take_number(f"document-{kind.key}", first=kind.first_number))
        if not Document.objects.filter(kind=kind, number=number).exists():
            return number
