"""What became of the mails of documents: reads the outbox, decides whether a document is „versendet“.

A document is „versendet“ while at least one of its dispatches succeeded: the mail server took the
mail, or a person said that another way worked. A bounce of the only success takes that back.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from company.notify import notify
from documents.models import Dispatch, Document
from outbox.failure_words import failure_reason, missed_recipients, name_recipients
from outbox.models import OutgoingMessage

_FATE = {
    OutgoingMessage.State.SENT: Dispatch.State.DONE,
    OutgoingMessage.State.FAILED: Dispatch.State.FAILED,
    OutgoingMessage.State.BOUNCED: Dispatch.State.FAILED,
    OutgoingMessage.State.CANCELLED: Dispatch.State.FAILED,
}
_TOLD = (OutgoingMessage.State.FAILED, OutgoingMessage.State.BOUNCED)
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
            if moved and dispatch.outgoing.state in _TOLD:
                _tell(dispatch)
        changed += moved
    for dispatch in _uncertain():
        _tell(dispatch)
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


def _tell(dispatch: Dispatch) -> None:
    """The sender gets a note, once for each outcome of each try."""
    outgoing, document = dispatch.outgoing, dispatch.document
    assert outgoing is not None

    def text() -> str:
        missed = missed_recipients(outgoing)
        words = {
            "document": document,
            "names": name_recipients(missed),
            "reason": failure_reason(outgoing, missed),
        }
        if outgoing.state == OutgoingMessage.State.UNCERTAIN:
            return (
                _("%(document)s: ob die E-Mail an %(names)s ankam, ist unklar: %(reason)s") % words
            )
        return _("%(document)s an %(names)s wurde nicht zugestellt: %(reason)s") % words

    attempt = outgoing.attempts.order_by("-pk").values_list("pk", flat=True).first() or 0
    notify(
        user=dispatch.created_by,
        text=text,
        url=reverse("documents:detail", args=[document.pk]),
        once_key=f"dispatch:{dispatch.pk}:{outgoing.state}:{attempt}",
        is_failure=True,
    )


def _uncertain() -> QuerySet[Dispatch]:
    """Mails nobody knows the fate of; only a handful, for a person settles them."""
    mails = Dispatch.objects.filter(
        outgoing__isnull=False,
        state=Dispatch.State.PENDING,
        outgoing__state=OutgoingMessage.State.UNCERTAIN,
    )
    return mails.select_related("outgoing", "document__kind", "created_by").order_by("pk")[:_BATCH]


def _out_of_line() -> list[Dispatch]:
    """Dispatches whose state is not what their message's state means. Each look-up has an index."""
    mails = Dispatch.objects.filter(outgoing__isnull=False).select_related(
        "outgoing", "document__kind", "created_by"
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
