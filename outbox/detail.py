"""What the page of an outgoing message says: its state in words, its people, its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.models import CompanySettings, User
from company.rights import Right
from mailaccounts.models import AccountLink
from mailaccounts.remedies import explain
from outbox.badges import Badge, recipient_badge, state_badge, verdict_tone
from outbox.models import Attempt, OutgoingMessage, Recipient
from outbox.retry import RETRYABLE

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
            return _("Wird %(when)s gesendet.") % {"when": _moment(outgoing.next_attempt_at)}, ""
        case _State.QUEUED:
            return _waiting(outgoing)
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
    text = _("Vom Server angenommen %(when)s.") % {"when": _moment(outgoing.sent_at)}
    refused = [one for one in outgoing.recipients.all() if one.state != Recipient.State.ACCEPTED]
    if refused:
        text += " " + _("Nicht alle Empfänger wurden angenommen.")
    return text


def _retrying(outgoing: OutgoingMessage) -> tuple[str, str]:
    found = explain(outgoing.error_kind)
    when = _("Nächster Versuch %(when)s.") % {"when": _moment(outgoing.next_attempt_at)}
    return f"{found.happened} {when}", ""


def _waiting(outgoing: OutgoingMessage) -> tuple[str, str]:
    """Why a message waits: the brake, its account, or nothing but its turn."""
    account = outgoing.account
    if CompanySettings.load().sending_paused:
        return _("Der Versand ist zurzeit für alle Accounts angehalten."), ""
    if account.is_paused:
        return _("Der Account „%(name)s“ ist pausiert.") % {"name": account}, ""
    link = account.links.filter(direction=AccountLink.Direction.OUTGOING).first()
    if link is None:
        return _("Wird gleich gesendet."), ""
    found = explain(link.error_kind, link.error_step) if link.error_kind else None
    if found and link.state == AccountLink.State.LOGIN:
        text = _("Der Account „%(name)s“ kann nicht senden: %(reason)s")
        return text % {"name": account, "reason": found.happened}, found.remedy
    if link.next_attempt_at and link.next_attempt_at > timezone.now():
        text = _("Der Account „%(name)s“ wartet bis %(when)s.")
        if found is None and outgoing.error_kind:
            found = explain(outgoing.error_kind)
        reason = f" {found.happened}" if found else ""
        return text % {"name": account, "when": _moment(link.next_attempt_at)} + reason, ""
    return _("Wird gleich gesendet."), ""


def _moment(moment: datetime | None) -> str:
    """„um 14:05“ today, else „am 24.11.2026 um 14:05“."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    clock = _("um %(time)s") % {"time": date_format(local, "H:i")}
    if local.date() == timezone.localdate():
        return clock
    return _("am %(date)s %(clock)s") % {"date": date_format(local, "d.m.Y"), "clock": clock}
