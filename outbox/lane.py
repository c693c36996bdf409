"""One SMTP connection of an account working through its queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from django.db import DatabaseError

from company.crash_points import crash_point
from mailaccounts import links
from mailaccounts.connect import connect_smtp
from mailcore.errors import Kind, MailError, Step
from mailcore.smtp import SendReport, SmtpSession, Verdict, classify_error
from outbox.desk import ClaimLost, Desk, Job
from outbox.hold import OUT
from outbox.models import OutgoingMessage
from outbox.record import Outcome, Try, error_kind, judge, judge_error, judge_unsendable

log = logging.getLogger(__name__)

State = OutgoingMessage.State


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

    desk: Desk
    session: SmtpSession | None = None
    dialogue: list[str] = field(default_factory=list)
    summary: DeliverySummary = field(default_factory=DeliverySummary)

    def run(self) -> DeliverySummary:
        try:
            while (job := self.desk.take()) is not None and self._deliver(job):
                pass
        finally:
            self._close()
        return self.summary

    def _deliver(self, job: Job) -> bool:
        """Sends one message and records it; False: nothing more on this account for now."""
        try:
            return self._try(job)
        except ClaimLost:
            log.warning("outgoing %s was taken from us before DATA", job.outgoing.pk)
        except DatabaseError:
            raise  # nothing can be recorded; the sweep finds the row
        except Exception as error:  # one message's failure is its own
            log.exception("outgoing %s", job.outgoing.pk)
            self._close()
            job.outgoing.refresh_from_db(fields=["data_started_at"])
            step = Step.BODY if job.outgoing.data_started_at else Step.MAIL
            failure = MailError(Kind.SERVER_ERROR, step, repr(error))
            self._record(judge_error(self._as_try(job), failure))
        return True

    def _try(self, job: Job) -> bool:
        try:
            raw = job.raw()
        except (OSError, ValueError) as error:
            log.exception("outgoing %s: its bytes cannot be read", job.outgoing.pk)
            self._record(judge_unsendable(self._as_try(job), str(error)))
            return True
        try:
            session = self._connect()
        except MailError as error:
            self._record(judge_error(self._as_try(job), error))
            self.desk.stop(classify_error(error), error)
            return False
        report = self._send(session, job, raw)
        crash_point("outbox.sent")
        self._record(judge(self._as_try(job), report))
        crash_point("outbox.recorded")
        return self._may_go_on(session, report)

    def _may_go_on(self, session: SmtpSession, report: SendReport) -> bool:
        """Holds the account where the answer says something about it rather than the message."""
        if report.verdict is Verdict.ACCEPTED and len(report.recipients) == 1:
            return True
        verdicts = {reply.verdict for reply in report.recipients}
        account_wide: tuple[Verdict, ...] = (Verdict.ACCOUNT, Verdict.THROTTLE)
        blame = next((verdict for verdict in account_wide if verdict in verdicts), None)
        if blame is None and report.verdict is Verdict.TEMPORARY and not session.is_usable:
            blame = Verdict.TEMPORARY  # 421 or a hang-up
        if blame is None:
            return True
        guilty = next(reply for reply in report.recipients if reply.verdict is blame)
        kind = Kind(error_kind(replace(report, verdict=blame, reply_code=guilty.code)))
        self.desk.stop(blame, MailError(kind, report.step, guilty.text, guilty.code))
        return False

    def _send(self, session: SmtpSession, job: Job, raw: bytes) -> SendReport:
        outgoing = job.outgoing

        def before_data() -> None:
            crash_point("outbox.before_data")
            self.desk.start(job)
            crash_point("outbox.data_started")

        report = session.send(outgoing.envelope_from, job.recipients, raw, before_data=before_data)
        is_refused = report.step is Step.MAIL and report.verdict is not Verdict.ACCEPTED
        if is_refused and report.reply_code >= 500 and not outgoing.envelope_from:
            # Some servers take no null sender from their customers.
            sender = self.desk.account.from_email
            report = session.send(sender, job.recipients, raw, before_data=before_data)
        return report

    def _connect(self) -> SmtpSession:
        """The open connection, or a new one. Raises MailError."""
        if self.session and self.session.is_usable:
            return self.session
        self._close()
        account = self.desk.account
        transcript = self.dialogue if account.smtp_debug else None
        self.session = connect_smtp(account, transcript=transcript)
        links.record_success(account.pk, OUT)
        links.remember_max_size(account.pk, self.session.max_size)
        crash_point("outbox.connected")
        return self.session

    def _close(self) -> None:
        if self.session:
            self.session.close()
            self.session = None

    def _as_try(self, job: Job) -> Try:
        text = "\n".join(self.dialogue)
        self.dialogue.clear()
        account = self.desk.account
        server = f"{account.smtp_host}:{account.smtp_port}"
        return Try(job.outgoing, self.desk.owner, job.started_at, server, text)

    def _record(self, outcome: Outcome) -> None:
        self.desk.record(outcome)
        match outcome.fate.state:
            case State.SENT:
                self.summary.sent += 1
            case State.FAILED:
                self.summary.failed += 1
            case State.UNCERTAIN:
                self.summary.uncertain += 1
            case _:
                self.summary.retried += 1
