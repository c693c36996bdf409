"""What became of the mails of documents: reads the outbox, decides whether a document is „versendet“.

A document is „versendet“ while at least one of its dispatches succeeded: the mail server took the
mail, or a person said that another way worked. A bounce of the only success takes that back.
"""

from __future__ import annotations

from django.db import transaction

from documents.models import Dispatch, Document
from outbox.models import OutgoingMessage

_FATE = {
    OutgoingMessage.State.SENT: Dispatch.State.DONE,
    OutgoingMessage.State.FAILED: Dispatch.State.FAILED,
    OutgoingMessage.State.BOUNCED: Dispatch.State.FAILED,
    OutgoingMessage.State.CANCELLED: Dispatch.State.FAILED,
}
_BATCH = 500


def settle_dispatches() -> int:
    """Brings every mail dispatch in line with its message in the outbox; returns how many changed.

    Safe to run twice and side by side: each change is one conditional update.
    """
    changed = 0
    for dispatch in _out_of_line():
        assert dispatch.outgoing is not None
        fate = _FATE.get(OutgoingMessage.State(dispatch.outgoing.state), Dispatch.State.PENDING)
        with transaction.atomic():
            moved = Dispatch.objects.filter(pk=dispatch.pk, state=dispatch.state).update(state=fate)
            if moved and fate == Dispatch.State.DONE:
                note_success(dispatch.document)
            elif moved:
                _take_back(dispatch.document)
        changed += moved
    return changed


def note_success(document: Document) -> None:
    """A channel worked: freigegeben → versendet."""
    Document.objects.filter(pk=document.pk, state=Document.State.RELEASED).update(
        state=Document.State.SENT
    )
    document.state = Document.State.SENT


def _take_back(document: Document) -> None:
    """versendet → freigegeben where no channel is left that worked."""
    succeeded = Dispatch.objects.filter(document=document.pk, state=Dispatch.State.DONE)
    if not succeeded.exists():
        Document.objects.filter(pk=document.pk, state=Document.State.SENT).update(
            state=Document.State.RELEASED
        )


def _out_of_line() -> list[Dispatch]:
    """Dispatches whose state is not what their message's state means. Each look-up has an index."""
    mails = Dispatch.objects.filter(channel=Dispatch.Channel.MAIL).select_related(
        "outgoing", "document"
    )
    settled = list(_FATE)
    broken = [state for state, fate in _FATE.items() if fate == Dispatch.State.FAILED]
    looks = (
        mails.filter(state=Dispatch.State.PENDING, outgoing__state__in=settled),
        mails.filter(state=Dispatch.State.DONE, outgoing__state__in=broken),
        # A person tried again in the outbox.
        mails.filter(state=Dispatch.State.FAILED).exclude(outgoing__state__in=broken),
    )
    return [dispatch for look in looks for dispatch in look.order_by("pk")[:_BATCH]]
