"""One SMTP connection of an account working through its queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from django.db import DatabaseError

from company.crash_points import crash_point
from mailaccounts import links
from mailaccounts.connect import connect_smtp
from mailcore.errors import Kind, MailError, Step
from mailcore.smtp import Meanwhile, SendReport, SmtpSession, Verdict, classify_error
from outbox.desk import Desk, Job
from outbox.handful import SECONDS, ClaimLost, Handful
from outbox.hold import OUT
from outbox.judge import Outcome, Try, error_kind, judge, judge_error, judge_unsendable
from outbox.models import OutgoingMessage

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
    _has_begun: bool = False  # whether the present message's DATA may have been sent

    def run(self) -> DeliverySummary:
        size = 1
        try:
            while messages := self.desk.take(size):
                size = self._work_off(Handful(self.desk, messages))
        finally:
            self._close()
        return self.summary

    def _work_off(self, handful: Handful) -> int:
        """Returns how many messages the next handful may have."""
        try:
            while (job := handful.next()) is not None:
                self._deliver(job, handful)
            return handful.next_size
        finally:
            handful.put_down()

    def _deliver(self, job: Job, handful: Handful) -> None:
        """Sends one message; its result goes into the handful."""
        try:
            self._try(job, handful)
        except ClaimLost:
            log.warning("outgoing %s was taken from us before DATA", job.outgoing.pk)
        except DatabaseError:
            raise  # nothing can be recorded; the sweep finds the row
        except Exception as error:  # one message's failure is its own
            log.exception("outgoing %s", job.outgoing.pk)
            self._close()
            step = Step.BODY if self._has_begun else Step.MAIL
            failure = MailError(Kind.SERVER_ERROR, step, repr(error))
            self._record(judge_error(self._as_try(job), failure), handful)

    def _try(self, job: Job, handful: Handful) -> None:
        self._has_begun = False
        try:
            raw = job.raw()
        except (OSError, ValueError) as error:
            log.exception("outgoing %s: its bytes cannot be read", job.outgoing.pk)
            self._record(judge_unsendable(self._as_try(job), str(error)), handful)
            return
        try:
            session = self._connect()
        except MailError as error:
            self._record(judge_error(self._as_try(job), error), handful)
            self.desk.stop(classify_error(error), error)
            return
        report = self._send(session, job, raw, handful)
        crash_point("outbox.sent")
        self._record(judge(self._as_try(job), report), handful)
        self._stop_where_told(session, report)

    def _stop_where_told(self, session: SmtpSession, report: SendReport) -> None:
        """Holds the account where the answer says something about it rather than the message."""
        if report.verdict is Verdict.ACCEPTED and len(report.recipients) == 1:
            return
        verdicts = {reply.verdict for reply in report.recipients}
        account_wide: tuple[Verdict, ...] = (Verdict.ACCOUNT, Verdict.THROTTLE)
        blame = next((verdict for verdict in account_wide if verdict in verdicts), None)
        if blame is None and report.verdict is Verdict.TEMPORARY and not session.is_usable:
            blame = Verdict.TEMPORARY  # 421 or a hang-up
        if blame is None:
            return
        guilty = next(reply for reply in report.recipients if reply.verdict is blame)
        kind = Kind(error_kind(replace(report, verdict=blame, reply_code=guilty.code)))
        self.desk.stop(blame, MailError(kind, report.step, guilty.text, guilty.code))

    def _send(self, session: SmtpSession, job: Job, raw: bytes, handful: Handful) -> SendReport:
        outgoing = job.outgoing

        def before_data() -> None:
            crash_point("outbox.before_data")
            handful.start(job)
            self._has_begun = True
            crash_point("outbox.data_started")

        def send(sender: str) -> SendReport:
            return session.send(
                sender,
                job.recipients,
                raw,
                before_data=before_data,
                meanwhile=Meanwhile(SECONDS, handful.put_down),
            )

        report = send(outgoing.envelope_from)
        is_refused = report.step is Step.MAIL and report.verdict is not Verdict.ACCEPTED
        if is_refused and report.reply_code >= 500 and not outgoing.envelope_from:
            # Some servers take no null sender from their customers.
            report = send(self.desk.account.from_email)
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
        return Try(job.claimed, self.desk.owner, job.started_at, server, text)

    def _record(self, outcome: Outcome, handful: Handful) -> None:
        handful.add(outcome)
        match outcome.fate.state:
            case State.SENT:
                self.summary.sent += 1
            case State.FAILED:
                self.summary.failed += 1
            case State.UNCERTAIN:
                self.summary.uncertain += 1
            case _:
                self.summary.retried += 1
