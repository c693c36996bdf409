"""What a try came to, written in one transaction: message, recipients, protocol, archive."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from archive.add import add
from mailcore.errors import Kind, MailError, Step
from mailcore.smtp import RecipientReply, SendReport, Verdict, classify_error
from mailstore.models import StoredMessage
from outbox.models import Attempt, OutgoingMessage, Recipient
from outbox.retry_schedule import end_of_throttle, next_look, next_try

log = logging.getLogger(__name__)

State = OutgoingMessage.State
SentCopy = OutgoingMessage.SentCopy
PARTLY = "partly"  # an attempt's verdict where some recipients were accepted and some were not

_RECIPIENT_STATES = {
    Verdict.ACCEPTED: Recipient.State.ACCEPTED,
    Verdict.PERMANENT: Recipient.State.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Try:
    """One try with one message: by whom, since when, at which server, with which dialogue."""

    outgoing: OutgoingMessage
    owner: str
    started_at: datetime
    server: str
    transcript: str = ""


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


def record_report(
    attempt: Try, report: SendReport, *, kind: str | None = None
) -> OutgoingMessage.State:
    """Writes what the server said. Returns the message's new state.

    Temporary refusals wait for the next try, which goes to those recipients only. `kind`: the
    failure's keyword, where it is known better than from the report.
    """
    now = timezone.now()
    recipients = list(attempt.outgoing.recipients.all())
    with transaction.atomic():
        _record_attempt(attempt, report, now)
        _record_recipients(recipients, report.recipients)
        fate = _decide(attempt.outgoing, recipients, report, now)
        if fate.state in (State.SENT, State.FAILED):
            _give_up_on_pending(recipients)
        words = _decisive(report, fate)
        _write(attempt, fate, words, _Departure.of(attempt, report, now), kind)
        _archive(attempt.outgoing, report, now)
    return fate.state


def record_error(attempt: Try, error: MailError) -> OutgoingMessage.State:
    """Writes that there was no server to talk to, no login, or no end to the talk."""
    verdict = classify_error(error)
    pending = attempt.outgoing.recipients.filter(state=Recipient.State.PENDING)
    replies = tuple(
        RecipientReply(email, error.code, error.detail, verdict)
        for email in pending.values_list("email", flat=True)
    )
    report = SendReport(replies, error.code, error.detail or str(error), error.step, verdict)
    kind = None if verdict is Verdict.UNCERTAIN else error.kind
    return record_report(attempt, report, kind=kind)


def record_unsendable(attempt: Try, reason: str) -> OutgoingMessage.State:
    """Writes that the message itself cannot be sent, ever."""
    replies = tuple(
        RecipientReply(email, 0, reason, Verdict.PERMANENT)
        for email in attempt.outgoing.recipients.values_list("email", flat=True)
    )
    return record_report(attempt, SendReport(replies, 0, reason, Step.MAIL, Verdict.PERMANENT))


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
            return Kind.LOGIN_FAILED if step is Step.LOGIN else Kind.SENDER_REFUSED
        case Verdict.TEMPORARY:
            return Kind.SERVER_BUSY if code else Kind.DISCONNECTED
    if code == 552 or "5.3.4" in text:
        return Kind.TOO_LARGE
    refusals = {Step.RCPT: Kind.RECIPIENT_REFUSED, Step.MAIL: Kind.SENDER_REFUSED}
    return refusals.get(step, Kind.MESSAGE_REFUSED)


def _record_attempt(attempt: Try, report: SendReport, now: datetime) -> None:
    is_partly = report.verdict is Verdict.ACCEPTED and bool(_refusals(report))
    Attempt.objects.create(
        outgoing=attempt.outgoing,
        started_at=attempt.started_at,
        ended_at=now,
        server=attempt.server[:260],
        step=report.step,
        verdict=PARTLY if is_partly else report.verdict,
        code=0 if is_partly else report.reply_code,
        reply=(_refusals(report) if is_partly else report.reply_text)[:500],
        transcript=attempt.transcript,
    )


def _refusals(report: SendReport) -> str:
    """What was said to those who were not accepted."""
    return "; ".join(
        f"{reply.address}: {reply.code or ''} {reply.text}"
        for reply in report.recipients
        if reply.verdict is not Verdict.ACCEPTED
    )


def _decisive(report: SendReport, fate: _Fate) -> SendReport:
    """The answer that made the message's state: where some wait, it is what they wait for."""
    if report.verdict is not Verdict.ACCEPTED or fate.state == State.SENT:
        return report
    waiting = (Verdict.ACCOUNT, Verdict.THROTTLE, Verdict.TEMPORARY)
    reply = next(one for one in report.recipients if one.verdict in waiting)
    return replace(
        report, verdict=reply.verdict, reply_code=reply.code, reply_text=reply.text, step=Step.RCPT
    )


def _record_recipients(rows: list[Recipient], replies: tuple[RecipientReply, ...]) -> None:
    """Only the tried ones; whoever accepted the message before stays accepted."""
    said = {reply.address: reply for reply in replies}
    groups: dict[tuple[str, int, str], list[int]] = {}
    for row in rows:
        reply = said.get(row.email)
        if reply is None or row.state != Recipient.State.PENDING:
            continue
        row.state = _RECIPIENT_STATES.get(reply.verdict, Recipient.State.PENDING)
        row.code, row.reply = reply.code, reply.text[:500]
        groups.setdefault((row.state, row.code, row.reply), []).append(row.pk)
    for (state, code, text), pks in groups.items():
        Recipient.objects.filter(pk__in=pks).update(state=state, code=code, reply=text)


def _decide(
    outgoing: OutgoingMessage, recipients: list[Recipient], report: SendReport, now: datetime
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


def _give_up_on_pending(recipients: list[Recipient]) -> None:
    pending = [one.pk for one in recipients if one.state == Recipient.State.PENDING]
    if pending:
        Recipient.objects.filter(pk__in=pending).update(state=Recipient.State.REFUSED)


def _write(
    attempt: Try, fate: _Fate, report: SendReport, departure: _Departure, kind: str | None
) -> None:
    """A result that comes after the sweep declared the message uncertain still counts."""
    outgoing = attempt.outgoing
    written = OutgoingMessage.objects.filter(
        pk=outgoing.pk, claimed_by=attempt.owner, state__in=[State.SENDING, State.UNCERTAIN]
    ).update(
        state=fate.state,
        next_attempt_at=fate.next_attempt_at,
        attempts_made=F("attempts_made") + (1 if fate.counts else 0),
        claimed_by=attempt.owner if fate.state == State.UNCERTAIN else "",
        claimed_until=None,
        sent_at=departure.sent_at,
        sent_copy_next_at=departure.copy_at,
        error_kind="" if fate.state == State.SENT else kind or error_kind(report),
        last_reply=f"{report.reply_code or ''} {report.reply_text}".strip()[:500],
    )
    if not written:
        log.warning("outgoing %s was no longer ours: %s", outgoing.pk, report.verdict)


def _archive(outgoing: OutgoingMessage, report: SendReport, now: datetime) -> None:
    """What has left the house is archived, also where nobody knows whether it arrived."""
    departed = (Verdict.ACCEPTED, Verdict.UNCERTAIN)
    if outgoing.origin in OutgoingMessage.NOT_ARCHIVED or report.verdict not in departed:
        return
    add(
        account=outgoing.account,
        message=outgoing.message,
        direction=StoredMessage.Direction.OUTGOING,
        mail_date=now,
    )
