"""Writes what tries came to: messages, recipients, protocol, archive."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import DatabaseError

from archive.add import NewEntry, add_group
from company.lazy_commit import lazy_commit
from company.rows import insert_rows, update_values
from mailcore.smtp import SendReport, Verdict
from mailstore.models import StoredMessage
from outbox.judge import Outcome
from outbox.models import Attempt, OutgoingMessage, Recipient

log = logging.getLogger(__name__)

State = OutgoingMessage.State
PARTLY = "partly"  # an attempt's verdict where some recipients were accepted and some were not

_DEPARTED = (Verdict.ACCEPTED, Verdict.UNCERTAIN)


def record(outcomes: Sequence[Outcome]) -> None:
    """Commits them together or, where that fails, each alone: one message's failure is its own.

    The commit does not wait for the disk. Raises DatabaseError where one could not be written.
    """
    try:
        with lazy_commit():
            _write(outcomes)
    except DatabaseError as error:
        if len(outcomes) == 1:
            raise
        failures = [failure for one in outcomes if (failure := _failure_of(one))]
        if failures:
            raise failures[0] from error


def _failure_of(outcome: Outcome) -> DatabaseError | None:
    try:
        record([outcome])
    except DatabaseError as error:
        return error
    return None


def _write(outcomes: Sequence[Outcome]) -> None:
    """As many statements for many as for one."""
    insert_rows([_attempt(one) for one in outcomes])
    recipients = [
        (row.state, row.code, row.reply, row.pk) for one in outcomes for row in one.recipients
    ]
    update_values(Recipient, ("state", "code", "reply"), recipients)
    _write_messages(outcomes)
    _archive(outcomes)


def _attempt(outcome: Outcome) -> Attempt:
    attempt, report = outcome.attempt, outcome.report
    refusals = _refusals(report) if report.verdict is Verdict.ACCEPTED else ""
    return Attempt(
        outgoing_id=attempt.outgoing.pk,
        started_at=attempt.started_at,
        ended_at=outcome.at,
        server=attempt.server[:260],
        step=report.step.value,
        verdict=PARTLY if refusals else report.verdict.value,
        code=0 if refusals else report.reply_code,
        reply=(refusals or report.reply_text)[:500],
        transcript=attempt.transcript,
    )


def _refusals(report: SendReport) -> str:
    """What was said to those who were not accepted."""
    return "; ".join(
        f"{reply.address}: {reply.code or ''} {reply.text}"
        for reply in report.recipients
        if reply.verdict is not Verdict.ACCEPTED
    )


_CHANGED = (
    *("state", "next_attempt_at", "attempts_made", "claimed_by", "claimed_until", "sent_at"),
    *("sent_copy_next_at", "error_kind", "last_reply"),
)


def _write_messages(outcomes: Sequence[Outcome]) -> None:
    """A result that comes after the sweep declared the message uncertain still counts."""
    written = update_values(
        OutgoingMessage,
        _CHANGED,
        [_message_row(one) for one in outcomes],
        where=("claimed_by",),
        also="state IN ('sending', 'uncertain')",
    )
    for one in outcomes:
        key = one.attempt.outgoing.pk
        if key not in written:
            log.warning("outgoing %s was no longer ours: %s", key, one.report.verdict)


def _message_row(outcome: Outcome) -> tuple[object, ...]:
    """What is to change, the key, and whose claim it must be."""
    outgoing, fate, words = outcome.attempt.outgoing, outcome.fate, outcome.words
    return (
        fate.state.value,
        fate.next_attempt_at,
        outgoing.attempts_made + fate.counts,
        outcome.attempt.owner if fate.state == State.UNCERTAIN else "",
        None,
        outcome.departure.sent_at,
        outcome.departure.copy_at,
        outcome.kind,
        f"{words.reply_code or ''} {words.reply_text}".strip()[:500],
        outgoing.pk,
        outcome.attempt.owner,
    )


def _archive(outcomes: Sequence[Outcome]) -> None:
    """What has left the house is archived, also where nobody knows whether it arrived."""
    departed = [
        NewEntry(
            account=one.attempt.outgoing.account,
            message=one.attempt.outgoing.message,
            direction=StoredMessage.Direction.OUTGOING,
            mail_date=one.at,
        )
        for one in outcomes
        if one.attempt.outgoing.origin not in OutgoingMessage.NOT_ARCHIVED
        and one.report.verdict in _DEPARTED
    ]
    add_group(departed)
