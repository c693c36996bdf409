"""What a try came to: the fate of the message and of its recipients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from mailcore.errors import Kind, MailError, Step
from mailcore.smtp import RecipientReply, SendReport, Verdict, classify_error
from outbox.claim import Claimed
from outbox.models import OutgoingMessage, Recipient
from outbox.retry_schedule import end_of_throttle, next_look, next_try

State = OutgoingMessage.State
SentCopy = OutgoingMessage.SentCopy

_LOGIN_CODES = (530, 534, 535, 538)
_RECIPIENT_STATES = {
    Verdict.ACCEPTED: Recipient.State.ACCEPTED,
    Verdict.PERMANENT: Recipient.State.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Try:
    """One try with one message: by whom, since when, at which server, with which dialogue."""

    claimed: Claimed
    owner: str
    started_at: datetime
    server: str
    transcript: str = ""

    @property
    def outgoing(self) -> OutgoingMessage:
        return self.claimed.outgoing


@dataclass(frozen=True, slots=True)
class _Fate:
    """The columns of a message after a try."""

    state: OutgoingMessage.State
    next_attempt_at: datetime | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class _Departure:
    """When the first recipient accepted the message, and from when its copy may be filed."""

    sent_at: datetime | None
    copy_at: datetime | None

    @classmethod
    def of(cls, attempt: Try, report: SendReport, now: datetime) -> _Departure:
        outgoing = attempt.outgoing
        sent_at, copy_at = outgoing.sent_at, outgoing.sent_copy_next_at
        if report.verdict is not Verdict.ACCEPTED:
            return cls(sent_at, copy_at)
        wants_copy = outgoing.sent_copy == SentCopy.WANTED
        return cls(sent_at or now, copy_at or (now if wants_copy else None))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything a try changes, ready to be written."""

    attempt: Try
    report: SendReport
    at: datetime
    fate: _Fate
    departure: _Departure
    words: SendReport  # the answer that made the state
    kind: str
    recipients: tuple[Recipient, ...]  # whose rows change


def judge(attempt: Try, report: SendReport, *, kind: str | None = None) -> Outcome:
    """What becomes of the message and its recipients.

    Temporary refusals wait for the next try, which goes to those recipients only. `kind`: the
    failure's keyword, where it is known better than from the report.
    """
    now = timezone.now()
    recipients = attempt.claimed.recipients
    changed = _judge_recipients(recipients, report.recipients)
    fate = _decide(attempt.outgoing, recipients, report, now)
    if fate.state in (State.SENT, State.FAILED):
        changed += _give_up_on_pending(recipients)
    words = _decisive(report, fate)
    return Outcome(
        attempt=attempt,
        report=report,
        at=now,
        fate=fate,
        departure=_Departure.of(attempt, report, now),
        words=words,
        kind="" if fate.state == State.SENT else kind or error_kind(words),
        recipients=tuple(dict.fromkeys(changed)),
    )


def judge_error(attempt: Try, error: MailError) -> Outcome:
    """That there was no server to talk to, no login, or no end to the talk."""
    verdict = classify_error(error)
    replies = tuple(
        RecipientReply(one.email, error.code, error.detail, verdict)
        for one in attempt.claimed.recipients
        if one.state == Recipient.State.PENDING
    )
    report = SendReport(replies, error.code, error.detail or str(error), error.step, verdict)
    kind = None if verdict is Verdict.UNCERTAIN else error.kind
    return judge(attempt, report, kind=kind)


def judge_unsendable(attempt: Try, reason: str) -> Outcome:
    """That the message itself cannot be sent, ever."""
    replies = tuple(
        RecipientReply(one.email, 0, reason, Verdict.PERMANENT)
        for one in attempt.claimed.recipients
    )
    return judge(attempt, SendReport(replies, 0, reason, Step.MAIL, Verdict.PERMANENT))


def error_kind(report: SendReport) -> str:
    """The stable keyword of a failure; "" after success. The screens have a remedy for each."""
    code, text, step = report.reply_code, report.reply_text, report.step
    match report.verdict:
        case Verdict.ACCEPTED:
            return ""
        case Verdict.UNCERTAIN:
            return "uncertain"
        case Verdict.THROTTLE:
            return Kind.RATE_LIMITED
        case Verdict.ACCOUNT:
            wants_login = step is Step.LOGIN or code in _LOGIN_CODES or "5.7.57" in text
            return Kind.LOGIN_FAILED if wants_login else Kind.SENDER_REFUSED
        case Verdict.TEMPORARY:
            return Kind.SERVER_BUSY if code else report.kind or Kind.DISCONNECTED
    if code == 552 or "5.3.4" in text:
        return Kind.TOO_LARGE
    refusals = {Step.RCPT: Kind.RECIPIENT_REFUSED, Step.MAIL: Kind.SENDER_REFUSED}
    return refusals.get(step, Kind.MESSAGE_REFUSED)


def _decisive(report: SendReport, fate: _Fate) -> SendReport:
    """The answer that made the message's state: where some wait, it is what they wait for."""
    if report.verdict is not Verdict.ACCEPTED or fate.state == State.SENT:
        return report
    waiting = (Verdict.ACCOUNT, Verdict.THROTTLE, Verdict.TEMPORARY)
    reply = next(one for one in report.recipients if one.verdict in waiting)
    return replace(
        report,
        verdict=reply.verdict,
        reply_code=reply.code,
        reply_text=reply.text,
        step=Step.RCPT,
        kind=None,
    )


def _judge_recipients(
    rows: Sequence[Recipient], replies: tuple[RecipientReply, ...]
) -> list[Recipient]:
    """The rows that change: only tried ones; whoever accepted the message before stays accepted."""
    said = {reply.address: reply for reply in replies}
    changed = []
    for row in rows:
        reply = said.get(row.email)
        if reply is None or row.state != Recipient.State.PENDING:
            continue
        row.state = _RECIPIENT_STATES.get(reply.verdict, Recipient.State.PENDING)
        row.code, row.reply = reply.code, reply.text[:500]
        changed.append(row)
    return changed


def _decide(
    outgoing: OutgoingMessage, recipients: Sequence[Recipient], report: SendReport, now: datetime
) -> _Fate:
    """The message's state from the verdicts on its recipients."""
    verdicts = {reply.verdict for reply in report.recipients}
    if Verdict.UNCERTAIN in verdicts:
        return _Fate(State.UNCERTAIN, next_look(now, now))
    is_untouched = not outgoing.attempts_made and Verdict.ACCEPTED not in verdicts
    waiting = State.QUEUED if is_untouched else State.RETRY
    if Verdict.ACCOUNT in verdicts:
        return _Fate(waiting, now, counts=False)
    if Verdict.THROTTLE in verdicts:
        return _Fate(waiting, end_of_throttle(report.reply_text, now), counts=False)
    if Verdict.TEMPORARY in verdicts:
        when = next_try(outgoing.attempts_made + 1, now)
        if when is not None:
            return _Fate(State.RETRY, when)
    arrived = (Recipient.State.ACCEPTED, Recipient.State.BOUNCED)
    has_arrived = any(recipient.state in arrived for recipient in recipients)
    return _Fate(State.SENT if has_arrived else State.FAILED)


def _give_up_on_pending(recipients: Sequence[Recipient]) -> list[Recipient]:
    pending = [one for one in recipients if one.state == Recipient.State.PENDING]
    for one in pending:
        one.state = Recipient.State.REFUSED
    return pending
