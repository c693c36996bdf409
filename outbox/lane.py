"""One SMTP connection of an account working through its queue."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from company.crash_points import crash_point
from mailaccounts import links
from mailaccounts.connect import connect_smtp
from mailaccounts.models import MailAccount
from mailcore.errors import Kind, MailError, Step
from mailcore.smtp import SendReport, SmtpSession, Verdict, classify_error
from mailstore.read import read_raw
from outbox import pace
from outbox.claim import ClaimLost, claim_due, release, start_data
from outbox.hold import OUT, hold, sendable
from outbox.models import OutgoingMessage, Recipient
from outbox.record import (
    Try,
    error_kind,
    record_error,
    record_report,
    record_unsendable,
)

log = logging.getLogger(__name__)

State = OutgoingMessage.State
BRAKE_SECONDS = 0.25  # so soon a pause and „Alles pausieren“ work
_LONGEST = timedelta(minutes=15)  # a run ends then; the next one goes on


@dataclass(slots=True)
class DeliverySummary:
    """What one run did, in messages. `problem`: why it stopped, as the server said it."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    uncertain: int = 0
    problem: str = ""

    @property
    def total(self) -> int:
        return self.sent + self.retried + self.failed + self.uncertain

    def add(self, other: DeliverySummary) -> None:
        self.sent += other.sent
        self.retried += other.retried
        self.failed += other.failed
        self.uncertain += other.uncertain
        self.problem = self.problem or other.problem


@dataclass(slots=True)
class Lane:
    """One connection working through the queue."""

    account: MailAccount
    lease: str
    owner: str  # of the claims
    session: SmtpSession | None = None
    dialogue: list[str] = field(default_factory=list)
    summary: DeliverySummary = field(default_factory=DeliverySummary)
    brake_checked: float = float("-inf")
    is_braked: bool = False

    def run(self) -> DeliverySummary:
        end = timezone.now() + _LONGEST
        try:
            while timezone.now() < end and links.renew_lease(self.account.pk, OUT, self.lease):
                batch = claim_due(self.account.pk, self.owner)
                crash_point("outbox.claimed")
                if not batch or not all(self._deliver(outgoing) for outgoing in batch):
                    break
        finally:
            self._close()
            release(self.owner)
            crash_point("outbox.released")
        return self.summary

    def _deliver(self, outgoing: OutgoingMessage) -> bool:
        """Sends one message and records it; False: nothing more on this account for now."""
        recipients = [
            one.email for one in outgoing.recipients.all() if one.state == Recipient.State.PENDING
        ]
        if self._is_braked() or self._must_wait(len(recipients)):
            return False
        outgoing.account = self.account
        attempt = Try(outgoing, self.owner, timezone.now(), self._server)
        try:
            return self._try(attempt, recipients)
        except ClaimLost:
            log.warning("outgoing %s was taken from us before DATA", outgoing.pk)
        except DatabaseError:
            raise  # nothing can be recorded; the sweep finds the row
        except Exception as error:  # one message's failure is its own
            log.exception("outgoing %s", outgoing.pk)
            self._close()
            outgoing.refresh_from_db(fields=["data_started_at"])
            step = Step.BODY if outgoing.data_started_at else Step.MAIL
            self._count(record_error(attempt, MailError(Kind.SERVER_ERROR, step, repr(error))))
        return True

    def _try(self, attempt: Try, recipients: list[str]) -> bool:
        try:
            raw = read_raw(attempt.outgoing.message)
        except (OSError, ValueError) as error:
            log.exception("outgoing %s: its bytes cannot be read", attempt.outgoing.pk)
            self._count(record_unsendable(attempt, str(error)))
            return True
        try:
            session = self._connect()
        except MailError as error:
            self._count(record_error(self._with_dialogue(attempt), error))
            self._hold(classify_error(error), error)
            return False
        report = self._send(session, attempt.outgoing, recipients, raw)
        crash_point("outbox.sent")
        self._count(record_report(self._with_dialogue(attempt), report))
        crash_point("outbox.recorded")
        return self._may_go_on(session, report)

    def _may_go_on(self, session: SmtpSession, report: SendReport) -> bool:
        """Holds the account where the answer says something about it rather than the message."""
        verdicts = {reply.verdict for reply in report.recipients}
        account_wide: tuple[Verdict, ...] = (Verdict.ACCOUNT, Verdict.THROTTLE)
        blame = next((verdict for verdict in account_wide if verdict in verdicts), None)
        if blame is None and report.verdict is Verdict.TEMPORARY and not session.is_usable:
            blame = Verdict.TEMPORARY  # 421 or a hang-up
        if blame is None:
            return True
        guilty = next(reply for reply in report.recipients if reply.verdict is blame)
        kind = Kind(error_kind(replace(report, verdict=blame, reply_code=guilty.code)))
        self._hold(blame, MailError(kind, report.step, guilty.text, guilty.code))
        return False

    def _hold(self, verdict: Verdict, error: MailError) -> None:
        hold(self.account.pk, verdict, error)
        self.summary.problem = error.detail or str(error)

    def _send(
        self, session: SmtpSession, outgoing: OutgoingMessage, recipients: list[str], raw: bytes
    ) -> SendReport:
        def before_data() -> None:
            crash_point("outbox.before_data")
            start_data(outgoing, self.owner)
            crash_point("outbox.data_started")

        report = session.send(outgoing.envelope_from, recipients, raw, before_data=before_data)
        is_refused = report.step is Step.MAIL and report.verdict is not Verdict.ACCEPTED
        if is_refused and report.reply_code >= 500 and not outgoing.envelope_from:
            # Some servers take no null sender from their customers.
            sender = self.account.from_email
            report = session.send(sender, recipients, raw, before_data=before_data)
        return report

    def _connect(self) -> SmtpSession:
        """The open connection, or a new one. Raises MailError."""
        if self.session and self.session.is_usable:
            return self.session
        self._close()
        transcript = self.dialogue if self.account.smtp_debug else None
        self.session = connect_smtp(self.account, transcript=transcript)
        links.record_success(self.account.pk, OUT)
        crash_point("outbox.connected")
        return self.session

    def _close(self) -> None:
        if self.session:
            self.session.close()
            self.session = None

    def _is_braked(self) -> bool:
        """Whether the account may not send any more; looked up four times a second at most."""
        now = time.monotonic()
        if now - self.brake_checked >= BRAKE_SECONDS:
            self.brake_checked = now
            self.is_braked = not sendable(self.account.pk).exists()
        return self.is_braked

    def _must_wait(self, recipients: int) -> bool:
        """Holds the account where its own limits are reached."""
        when = pace.wait_until(self.account, recipients)
        if when is None:
            return False
        links.hold_until(self.account.pk, OUT, when)
        return True

    def _with_dialogue(self, attempt: Try) -> Try:
        text = "\n".join(self.dialogue)
        self.dialogue.clear()
        return replace(attempt, transcript=text)

    @property
    def _server(self) -> str:
        return f"{self.account.smtp_host}:{self.account.smtp_port}"

    def _count(self, state: OutgoingMessage.State) -> None:
        match state:
            case State.SENT:
                self.summary.sent += 1
            case State.FAILED:
                self.summary.failed += 1
            case State.UNCERTAIN:
                self.summary.uncertain += 1
            case _:
                self.summary.retried += 1
