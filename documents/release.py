"""„Freigeben“: from then on a document is not changed any more and may be dispatched."""

from __future__ import annotations

from django.utils.translation import gettext as _

from documents.errors import NotPossible
from documents.models import Document


def release(*, document: Document) -> None:
    """Releases a draft. Raises NotPossible where there is nothing to print yet."""
    if not document.own_pdf_sha256:
        _refuse_empty(document)
    released = Document.objects.filter(pk=document.pk, state=Document.State.DRAFT).update(
        state=Document.State.RELEASED
    )
    if not released:
        raise NotPossible(_("Der Beleg ist schon freigegeben."))
    document.state = Document.State.RELEASED


def _refuse_empty(document: Document) -> None:
    if document.kind.is_letter:
        if not document.intro.strip():
            raise NotPossible(_("Der Brief hat noch keinen Text."))
    elif not document.positions.exists():
        raise NotPossible(
            _(
                "Der Beleg hat noch keine Position. Ergänzen Sie mindestens eine und geben Sie ihn dann frei."
            )
        )


def withdraw_release(*, document: Document) -> None:
    """Makes a released document a draft again. Raises NotPossible once it was dispatched."""
    withdrawn = Document.objects.filter(
        pk=document.pk, state=Document.State.RELEASED, pdf_sha256=""
    ).update(state=Document.State.DRAFT)
    if not withdrawn:
        raise NotPossible(
            _("Die Freigabe lässt sich nicht zurücknehmen: Der Beleg wurde schon abgeschickt.")
        )
    document.state = Document.State.DRAFT
