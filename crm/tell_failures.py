"""Letters by e-mail that did not arrive: whoever wrote them hears of it, once for each failed try."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, Max, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from company.models import Notification
from company.notify import notify
from outbox.failure_words import failure_reason, missed_recipients, name_recipients
from outbox.models import OutgoingMessage, Recipient

_State = OutgoingMessage.State
_BAD = (_State.FAILED, _State.BOUNCED, _State.UNCERTAIN)
_RECENT = timedelta(days=30)  # what comes back later than this is told by nobody's server
_BATCH = 500


def tell_failures() -> int:
    """Tells what nobody was told of; returns how many. Safe to run side by side."""
    failed = dict(_failed())
    writers = {letter.created_by_id for letter in failed.values()}
    told = Notification.objects.filter(user__in=writers, once_key__in=failed)
    for once_key in told.values_list("once_key", flat=True):
        failed.pop(once_key, None)
    for once_key, letter in failed.items():
        _tell(letter, once_key)
    return len(failed)


def _failed() -> Iterator[tuple[str, OutgoingMessage]]:
    """Recent letters that not everybody got, by the key of what there is to tell."""
    refused = Recipient.objects.filter(outgoing=OuterRef("pk"), state=Recipient.State.REFUSED)
    letters = OutgoingMessage.objects.filter(
        Q(state__in=_BAD) | Q(Exists(refused), state=_State.SENT),
        origin=OutgoingMessage.Origin.LETTER,
        created_at__gte=timezone.now() - _RECENT,
        created_by__isnull=False,
    )
    loaded = letters.select_related("message", "address", "created_by")
    loaded = loaded.prefetch_related("recipients").annotate(last_attempt=Max("attempts"))
    for letter in loaded.defer("message__text", "message__search_text").order_by("-pk")[:_BATCH]:
        yield f"letter:{letter.pk}:{letter.state}:{_last_try(letter)}", letter


def _last_try(letter: OutgoingMessage) -> int:
    tries: int | None = letter.last_attempt  # type: ignore[attr-defined]  # annotated in _failed
    return tries or 0


def _tell(letter: OutgoingMessage, once_key: str) -> None:
    missed = missed_recipients(letter)
    page = (
        reverse("crm:address", args=[letter.address_id])
        if letter.address_id
        else reverse("outbox:detail", args=[letter.pk])
    )

    def text() -> str:
        words = {
            "subject": letter.message.subject,
            "names": name_recipients(missed),
            "reason": failure_reason(letter, missed),
        }
        if letter.state == _State.UNCERTAIN:
            return (
                _("„%(subject)s“: ob die E-Mail an %(names)s ankam, ist unklar: %(reason)s") % words
            )
        return _("„%(subject)s“ an %(names)s wurde nicht zugestellt: %(reason)s") % words

    notify(user=letter.created_by, text=text, url=page, once_key=once_key, is_failure=True)
