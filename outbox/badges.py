"""The coloured words for the states of outgoing mail."""

from __future__ import annotations

from dataclasses import dataclass

from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage, Recipient


@dataclass(frozen=True, slots=True)
class Badge:
    """What `_badge.html` needs."""

    text: str
    tone: str
    icon: str


_State = OutgoingMessage.State
_STATES: dict[str, tuple[str, str]] = {
    _State.SCHEDULED: ("neutral", "calendar-clock"),
    _State.QUEUED: ("neutral", "clock"),
    _State.SENDING: ("info", "send"),
    _State.SENT: ("ok", "check"),
    _State.RETRY: ("warn", "refresh-cw"),
    _State.FAILED: ("err", "x-circle"),
    _State.UNCERTAIN: ("warn", "help-circle"),
    _State.BOUNCED: ("err", "undo"),
    _State.CANCELLED: ("neutral", "ban"),
}
_RECIPIENTS: dict[str, tuple[str, str]] = {
    Recipient.State.PENDING: ("neutral", "clock"),
    Recipient.State.ACCEPTED: ("ok", "check"),
    Recipient.State.REFUSED: ("err", "x-circle"),
    Recipient.State.BOUNCED: ("err", "undo"),
}
_VERDICTS: dict[str, str] = {
    "accepted": "ok",
    "partly": "warn",
    "temporary": "warn",
    "throttle": "warn",
    "account": "err",
    "permanent": "err",
    "uncertain": "warn",
}


def state_badge(state: str) -> Badge:
    tone, icon = _STATES[state]
    return Badge(str(_State(state).label), tone, icon)


def recipient_badge(state: str) -> Badge:
    tone, icon = _RECIPIENTS[state]
    return Badge(str(Recipient.State(state).label), tone, icon)


def verdict_tone(verdict: str) -> str:
    return _VERDICTS.get(verdict, "neutral")


def recipients_of(mail: StoredMessage) -> str:
    """„Hans Huber, eva@huber.example (+3)“: to whom a mail of ours went."""
    people = [name or email for name, email in mail.people.get("to", [])]
    more = f" (+{len(people) - 2})" if len(people) > 2 else ""
    return ", ".join(people[:2]) + more
