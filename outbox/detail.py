"""What the page of an outgoing message says: its state in words, its people, its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.models import User
from company.rights import Right
from mailaccounts.remedies import explain
from outbox.badges import Badge, recipient_badge, state_badge, verdict_tone
from outbox.models import Attempt, OutgoingMessage, Recipient
from outbox.retry import RETRYABLE
from outbox.waiting import moment_of, why_waiting

_State = OutgoingMessage.State
_MOVING = (_State.SCHEDULED, _State.QUEUED, _State.SENDING, _State.RETRY, _State.UNCERTAIN)
_UNCERTAIN = gettext_lazy(
    "Die Verbindung brach ab, als die E-Mail schon übertragen war. Ob der Server sie angenommen "
    "hat, ist nicht bekannt. Damit niemand sie doppelt bekommt, wird sie nicht von selbst noch "
    "einmal gesendet."
)
_DECIDE = gettext_lazy(
    "Sehen Sie im Gesendet-Ordner nach oder fragen Sie beim Empfänger, und wählen Sie dann „Als "
    "gesendet markieren“ oder „Erneut senden“."
)
_TONES = {_State.FAILED: "err", _State.BOUNCED: "err", _State.RETRY: "warn"}


@dataclass(frozen=True, slots=True)
class StateView:
    """The state, what it means, and what the user may do about it."""

    badge: Badge
    tone: str
    text: str
    remedy: str
    server_words: str
    is_moving: bool
    may_retry: bool
    may_cancel: bool
    may_mark_sent: bool
    may_send_now: bool
    may_retry_copy: bool


@dataclass(frozen=True, slots=True)
class RecipientView:
    kind: str
    name: str
    email: str
    badge: Badge
    reply: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    when: datetime
    title: str
    tone: str
    server: str
    reply: str
    transcript: str


def view_state(outgoing: OutgoingMessage, user: User) -> StateView:
    """The state of a message for this user."""
    may = user.may(Right.MANAGE_OUTBOX)
    state = outgoing.state
    text, remedy = _explain(outgoing)
    shows_words = state in (_State.RETRY, _State.FAILED, _State.BOUNCED, _State.QUEUED)
    return StateView(
        badge=state_badge(state),
        tone=_TONES.get(_State(state), "warn" if state == _State.UNCERTAIN else ""),
        text=text,
        remedy=remedy,
        server_words=answer_of_server(outgoing) if shows_words else "",
        is_moving=state in _MOVING,
        may_retry=may and state in RETRYABLE,
        may_cancel=may and state in OutgoingMessage.DUE and outgoing.sent_at is None,
        may_mark_sent=may and state == _State.UNCERTAIN,
        may_send_now=may and state == _State.SCHEDULED,
        may_retry_copy=may and outgoing.sent_copy == OutgoingMessage.SentCopy.FAILED,
    )


def answer_of_server(outgoing: OutgoingMessage) -> str:
    """The server's last words; "" where the trouble was that it said nothing."""
    return outgoing.last_reply if outgoing.last_reply[:3].isdecimal() else ""


def view_recipients(outgoing: OutgoingMessage) -> list[RecipientView]:
    return [
        RecipientView(
            kind=recipient.get_kind_display(),
            name=recipient.name,
            email=recipient.email,
            badge=recipient_badge(recipient.state),
            reply=f"{recipient.code or ''} {recipient.reply}".strip(),
        )
        for recipient in outgoing.recipients.all()
    ]


def view_attempts(outgoing: OutgoingMessage) -> list[AttemptView]:
    """The protocol, the newest try first."""
    return [_attempt(attempt) for attempt in outgoing.attempts.order_by("-pk")]


def _attempt(attempt: Attempt) -> AttemptView:
    titles = {
        "accepted": _("Angenommen"),
        "partly": _("Teilweise angenommen"),
        "temporary": _("Vorübergehend nicht angenommen"),
        "throttle": _("Der Anbieter bittet um eine Pause"),
        "account": _("Der Server lehnt den Account ab"),
        "permanent": _("Abgelehnt"),
        "uncertain": _("Ohne Antwort abgebrochen"),
    }
    return AttemptView(
        when=attempt.started_at,
        title=titles.get(attempt.verdict, attempt.verdict),
        tone=verdict_tone(attempt.verdict),
        server=attempt.server,
        reply=f"{attempt.code or ''} {attempt.reply}".strip(),
        transcript=attempt.transcript,
    )


def _explain(outgoing: OutgoingMessage) -> tuple[str, str]:
    """(what is the matter, what to do about it)."""
    match outgoing.state:
        case _State.SCHEDULED:
            return _("Wird %(when)s gesendet.") % {"when": moment_of(outgoing.next_attempt_at)}, ""
        case _State.QUEUED:
            return why_waiting(outgoing)
        case _State.SENDING:
            return _("Wird gerade an den Server übergeben."), ""
        case _State.RETRY:
            return _retrying(outgoing)
        case _State.UNCERTAIN:
            return str(_UNCERTAIN), str(_DECIDE)
        case _State.BOUNCED:
            return (
                _("Die E-Mail ist als unzustellbar zurückgekommen."),
                _("Prüfen Sie die E-Mail-Adresse des Empfängers."),
            )
        case _State.CANCELLED:
            return _("Vor dem Versand abgebrochen; niemand hat sie bekommen."), ""
        case _State.FAILED:
            found = explain(outgoing.error_kind)
            return found.happened, found.remedy
    return _sent(outgoing), ""


def _sent(outgoing: OutgoingMessage) -> str:
    text = _("Vom Server angenommen %(when)s.") % {"when": moment_of(outgoing.sent_at)}
    refused = [one for one in outgoing.recipients.all() if one.state != Recipient.State.ACCEPTED]
    if refused:
        text += " " + _("Nicht alle Empfänger wurden angenommen.")
    return text


def _retrying(outgoing: OutgoingMessage) -> tuple[str, str]:
    found = explain(outgoing.error_kind)
    when = _("Nächster Versuch %(when)s.") % {"when": moment_of(outgoing.next_attempt_at)}
    return f"{found.happened} {when}", ""
