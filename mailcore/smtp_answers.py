"""What was said to each recipient on the way of one message, and the report that it amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiosmtplib import SMTPResponse

from mailcore.errors import Kind, MailError, Step
from mailcore.smtp_replies import (
    RecipientReply,
    SendReport,
    Verdict,
    classify_reply,
    overall,
    readable,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, or why it said nothing."""

    code: int
    text: str
    verdict: Verdict
    kind: Kind | None = None  # how the connection failed

    @property
    def is_accepted(self) -> bool:
        return self.verdict is Verdict.ACCEPTED


def answer_of(said: SMTPResponse, step: Step) -> Answer:
    text = readable(said.message)
    return Answer(said.code, text, classify_reply(said.code, text, step))


def failed(error: MailError) -> Answer:
    return Answer(error.code, error.detail, Verdict.TEMPORARY, error.kind)


def refused(text: str) -> Answer:
    return Answer(0, text, Verdict.PERMANENT)


def report(recipients: Sequence[str], answers: dict[str, Answer], step: Step) -> SendReport:
    verdict = overall(answer.verdict for answer in answers.values())
    decisive = next((a for a in answers.values() if a.verdict is verdict), refused("no recipient"))
    return SendReport(
        recipients=tuple(
            RecipientReply(
                address, answers[address].code, answers[address].text, answers[address].verdict
            )
            for address in recipients
        ),
        reply_code=decisive.code,
        reply_text=decisive.text,
        step=step,
        verdict=verdict,
        kind=decisive.kind,
    )
