"""Handing messages to an SMTP server, step by step from synchronous code.

aiosmtplib runs inside one asyncio.Runner per connection; between two steps nothing of the loop runs,
so the caller may write its rows there. Several connections are several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from mailcore.errors import MailError, Step
from mailcore.server import ServerLogin
from mailcore.smtp_answers import Answer, answer_of, failed, refused, report
from mailcore.smtp_lines import is_sendable, mail_command, rcpt_command, transparent
from mailcore.smtp_replies import (
    RecipientReply,
    SendReport,
    Verdict,
    classify_error,
    classify_reply,
)
from mailcore.smtp_wire import Meanwhile, SmtpWire

__all__ = [
    "Meanwhile",
    "RecipientReply",
    "SendReport",
    "SmtpSession",
    "Verdict",
    "classify_error",
    "classify_reply",
    "open_smtp",
]

# RFC 5321 4.5.3.2.6 asks for ten minutes; a time-out here is an uncertain message: be patient.
_BODY_ANSWER_SECONDS = 300.0
_SLOWEST_UPLOAD = 16_384  # bytes per second a line must carry before the message counts as lost
_GO_AHEAD = 354  # the answer to DATA


def open_smtp(
    login: ServerLogin,
    *,
    transcript: list[str] | None = None,
    body_timeout: float = _BODY_ANSWER_SECONDS,
) -> SmtpSession:
    """Connects, encrypts and logs in. Raises MailError; classify_error tells what to do then.

    `transcript` collects the dialogue without secrets and bodies. `body_timeout`: seconds to wait
    for the answer to a message that has been sent; its transfer is added according to its size.
    """
    wire = SmtpWire(login, transcript)
    wire.connect()
    return SmtpSession(wire, body_timeout)


@dataclass(frozen=True, slots=True)
class _Envelope:
    """How far a message came, and the answer to each recipient."""

    step: Step
    answers: dict[str, Answer]
    go_ahead: Answer | None = None  # to DATA, where it was said along


class SmtpSession:
    """One logged-in connection for any number of messages, one after the other."""

    def __init__(self, wire: SmtpWire, body_timeout: float) -> None:
        self._wire = wire
        self._body_timeout = body_timeout
        self._wants_message = False  # the server said 354 and waits for the message's end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Says QUIT if the connection still works. Never raises."""
        self._wire.close()

    @property
    def is_usable(self) -> bool:
        """Can another message be sent over this connection? Notices when the server hung up."""
        return self._wire.is_open

    @property
    def max_size(self) -> int | None:
        """The largest message in bytes, where the server tells it (RFC 1870)."""
        value = self._wire.extensions.get("size", "")
        return int(value) if value.isdecimal() and int(value) > 0 else None

    def send(
        self,
        envelope_from: str,
        recipients: Sequence[str],
        raw: bytes,
        *,
        before_data: Callable[[], None],
        meanwhile: Meanwhile | None = None,
    ) -> SendReport:
        """Hands over one message. Never raises MailError: what went wrong is in the report.

        1. MAIL and RCPT, with DATA in the same round trip where the server offers PIPELINING;
        2. `before_data` if at least one recipient was accepted (what it raises leaves from here,
        nothing of the message sent); 3. DATA, if not yet; 4. the message. A connection lost in 4
        makes the verdict uncertain. `meanwhile` is done while 1, 3 or 4 wait for long. Afterwards
        the session is ready for the next message or not `is_usable`.
        """
        refusal = self._refuse_unsent(envelope_from, raw)
        if refusal is not None:
            return report(recipients, dict.fromkeys(recipients, refusal), Step.MAIL)
        try:
            offer = self._offer(envelope_from, recipients, raw)
            envelope = self._wire.run(offer, meanwhile)
            accepted = [a for a, answer in envelope.answers.items() if answer.is_accepted]
            if accepted:
                before_data()
                handing_over = self._hand_over(raw, envelope.go_ahead)
                step, answer = self._wire.run(handing_over, meanwhile)
                envelope = _Envelope(step, envelope.answers | dict.fromkeys(accepted, answer))
        except BaseException:
            if self._wants_message:  # for those it would go to, its end must not be said
                self._wire.run(self._wire.abandon())
            self._reset()
            raise
        if not any(answer.is_accepted for answer in envelope.answers.values()):
            self._reset()
        return report(recipients, envelope.answers, envelope.step)

    async def _offer(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> _Envelope:
        """MAIL and RCPT; accepted recipients only where the connection is still there."""
        answers = {
            address: refused(f"not an address this server can take: {address!r}")
            for address in recipients
            if not is_sendable(address, self._wire.extensions)
        }
        rest = [address for address in dict.fromkeys(recipients) if address not in answers]
        if not rest:
            return _Envelope(Step.MAIL, answers)
        command = mail_command(envelope_from, rest, raw, self._wire.extensions)
        ask = self._ask_at_once if self._wire.can_pipeline else self._ask_one_by_one
        mail, said, go_ahead = await ask(command, rest)
        if not mail.is_accepted:
            return _Envelope(Step.MAIL, answers | dict.fromkeys(rest, mail))
        accepted = [address for address in rest if said[address].is_accepted]
        if not accepted or self._wire.is_connected:
            return _Envelope(Step.RCPT, answers | said, go_ahead)
        lost = Answer(0, "connection lost", Verdict.TEMPORARY)
        if go_ahead is not None and go_ahead.code != _GO_AHEAD:
            lost = go_ahead
        step = Step.RCPT if go_ahead is None else Step.DATA
        return _Envelope(step, answers | said | dict.fromkeys(accepted, lost))

    async def _ask_one_by_one(
        self, mail: bytes, recipients: Sequence[str]
    ) -> tuple[Answer, dict[str, Answer], None]:
        said = await self._command(Step.MAIL, mail)
        if not said.is_accepted:
            return said, {}, None
        each = {one: await self._command(Step.RCPT, rcpt_command(one)) for one in recipients}
        return said, each, None

    async def _ask_at_once(
        self, mail: bytes, recipients: Sequence[str]
    ) -> tuple[Answer, dict[str, Answer], Answer | None]:
        """Where the server knows how: one round trip for all of it; None: DATA was not come to."""
        try:
            commands = [mail, *map(rcpt_command, recipients), b"DATA"]
            work = self._wire.pipeline(Step.RCPT, commands)
            found, error = await self._wire.step(Step.MAIL, work)
        except MailError as failure:
            found, error = [], failure
        lost = Answer(0, "connection lost", Verdict.TEMPORARY)
        if error is not None:
            await self._wire.abandon()
            lost = failed(error)
        steps = [Step.MAIL, *(Step.RCPT for _ in recipients), Step.DATA]
        said = [answer_of(one, step) for one, step in zip(found, steps, strict=False)]
        said += [lost] * (len(steps) - len(said))
        self._wants_message = said[-1].code == _GO_AHEAD
        go_ahead = said[-1] if len(found) >= len(steps) - 1 else None
        return said[0], dict(zip(recipients, said[1:-1], strict=True)), go_ahead

    async def _hand_over(self, raw: bytes, go_ahead: Answer | None) -> tuple[Step, Answer]:
        """DATA, if not said yet, and the message."""
        body = transparent(raw)
        if go_ahead is None:
            go_ahead = await self._command(Step.DATA, b"DATA")
        if go_ahead.code != _GO_AHEAD:
            if go_ahead.is_accepted:  # 2xx: the server is out of step with us
                await self._wire.abandon()
                return Step.DATA, replace(go_ahead, verdict=Verdict.TEMPORARY)
            return Step.DATA, go_ahead
        self._wants_message = False
        timeout = self._body_timeout + len(body) / _SLOWEST_UPLOAD
        try:
            sending = self._wire.send_body(body, timeout=timeout)
            answer = await self._wire.step(Step.BODY, sending)
        except MailError as error:
            await self._wire.abandon()
            return Step.BODY, Answer(error.code, error.detail, Verdict.UNCERTAIN)
        return Step.BODY, answer_of(answer, Step.BODY)

    async def _command(self, step: Step, command: bytes) -> Answer:
        try:
            answer = await self._wire.step(step, self._wire.command(command))
        except MailError as error:
            await self._wire.abandon()
            return failed(error)
        return answer_of(answer, step)

    def _reset(self) -> None:
        """RSET, or the end of a connection that does not answer to it."""
        if self._wire.is_connected:
            self._wire.run(self._start_over())

    async def _start_over(self) -> None:
        if self._wants_message:  # and there is nobody to get it: RFC 2920, 3.1
            self._wants_message = False
            await self._command(Step.DATA, b".")
        if (await self._command(Step.MAIL, b"RSET")).code != 250:
            await self._wire.abandon()

    def _refuse_unsent(self, envelope_from: str, raw: bytes) -> Answer | None:
        if envelope_from and not is_sendable(envelope_from, self._wire.extensions):
            return refused(f"not a sender this server can take: {envelope_from!r}")
        if self.max_size is not None and len(raw) > self.max_size:
            return refused(f"5.3.4 {len(raw)} bytes; the server takes {self.max_size}")
        return None
