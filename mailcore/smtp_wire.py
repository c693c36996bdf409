"""One SMTP connection on aiosmtplib: connecting, encrypting, logging in, single commands, a transcript."""

from __future__ import annotations

import asyncio
import contextlib
import select
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiosmtplib
from aiosmtplib import SMTPResponse, SMTPStatus
from aiosmtplib.protocol import SMTPProtocol

from mailcore.errors import Kind, MailError, Step
from mailcore.server import (
    AuthMethod,
    Encryption,
    ServerLogin,
    login_kind,
    open_socket,
    tls_context,
    translate_error,
)
from mailcore.smtp_pipeline import exchange, joined
from mailcore.smtp_replies import Verdict, classify_reply, readable

T = TypeVar("T")

_QUIT_SECONDS = 5.0
# aiosmtplib raises ValueError for what it will not put on a command line.
_ERRORS = (aiosmtplib.SMTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What is done, outside of the loop, where an answer takes longer than so many seconds."""

    seconds: float
    do: Callable[[], None]


class SmtpWire:
    """A connection in its own event loop, which runs only inside the methods of this class."""

    def __init__(self, login: ServerLogin, transcript: list[str] | None) -> None:
        self._login = login
        self._transcript = transcript
        self._runner = asyncio.Runner()
        self._smtp: aiosmtplib.SMTP | None = None

    def run(self, work: Coroutine[None, None, T], meanwhile: Meanwhile | None = None) -> T:
        """Runs the loop until the work is done.

        Without Runner.run, which sets up signal handlers each time, at the price of a command.
        """
        loop = self._runner.get_loop()
        if meanwhile is None:
            return loop.run_until_complete(work)
        is_first_part = True

        def end_first_part(_: object = None) -> None:  # may come late: then it must not stop others
            if is_first_part:
                loop.stop()

        task = loop.create_task(work)
        task.add_done_callback(end_first_part)
        alarm = loop.call_later(meanwhile.seconds, end_first_part)
        loop.run_forever()
        is_first_part = False
        alarm.cancel()
        if task.done():
            return task.result()
        try:
            meanwhile.do()
        except BaseException:
            task.cancel()
            self.run(self.abandon())
            raise
        return loop.run_until_complete(task)

    async def step(self, step: Step, work: Coroutine[None, None, T]) -> T:
        """One step of it. Every failure leaves as a MailError of that step."""
        try:
            return await work
        except _ERRORS as error:
            translated = self._translate(error, step)
            self._note(f"!! {translated}")
            raise translated from error

    def connect(self) -> None:
        """Connects, encrypts as the login says, logs in. Raises MailError; then all is closed."""
        try:
            self._connect()
        except MailError:
            self.close()
            raise

    def _connect(self) -> None:
        login = self._login
        sock = open_socket(login)
        context = tls_context(verify=login.verify_certificate, ca_file=login.ca_file)
        own_address = str(sock.getsockname()[0])
        literal = f"[IPv6:{own_address}]" if ":" in own_address else f"[{own_address}]"
        try:
            self._smtp = aiosmtplib.SMTP(
                hostname=login.host,
                sock=sock,
                use_tls=login.encryption is Encryption.SSL,
                start_tls=False,
                tls_context=context,
                local_hostname=login.client_name or literal,
                timeout=login.timeout,
            )
            self.run(self.step(Step.GREETING, self._greet(self._smtp)))
        except (MailError, ValueError) as error:
            sock.close()
            raise translate_error(error, Step.GREETING) from error
        if login.encryption is Encryption.STARTTLS:
            self.run(self.step(Step.TLS, self._start_tls(self._smtp)))
            self.run(self.step(Step.GREETING, self._say_hello(self._smtp)))
        if login.auth is not AuthMethod.NONE:
            self.run(self.step(Step.LOGIN, self._log_in(self._smtp)))

    async def _greet(self, smtp: aiosmtplib.SMTP) -> None:
        try:
            self._note_answer(await smtp.connect())
        except aiosmtplib.SMTPConnectError as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLError) or (
                self._login.encryption is Encryption.SSL and isinstance(cause, ConnectionError)
            ):
                raise self._translate(error, Step.TLS) from error
            raise
        await self._say_hello(smtp)

    async def _say_hello(self, smtp: aiosmtplib.SMTP) -> None:
        self._note(f"C: EHLO {smtp.local_hostname}")
        try:
            self._note_answer(await smtp.ehlo())
        except aiosmtplib.SMTPHeloError as error:
            if not 500 <= error.code < 600 or not smtp.is_connected:
                raise
            self._note_answer(await smtp.helo())

    async def _start_tls(self, smtp: aiosmtplib.SMTP) -> None:
        if not smtp.supports_extension("starttls"):
            raise MailError(Kind.STARTTLS_MISSING, Step.TLS)
        self._note("C: STARTTLS")
        self._note_answer(await smtp.starttls())

    async def _log_in(self, smtp: aiosmtplib.SMTP) -> None:
        methods = self._login_methods(smtp)
        for number, method in enumerate(methods, start=1):
            self._note(f"C: AUTH {method.upper()} ***")
            try:
                self._note_answer(await self._authenticate(smtp, method))
                return
            except aiosmtplib.SMTPAuthenticationError as error:
                # One wrong password must not count as three: only „not this method" goes on.
                if error.code != 504 or number == len(methods):
                    raise

    def _login_methods(self, smtp: aiosmtplib.SMTP) -> list[str]:
        known = ["xoauth2"]
        if self._login.auth is AuthMethod.PASSWORD:
            known = ["plain", "login", "cram-md5"]
        methods = [name for name in known if name in smtp.server_auth_methods]
        if not methods:
            hidden = self._login.encryption is Encryption.NONE and smtp.supports_extension(
                "starttls"
            )
            kind = Kind.LOGIN_NEEDS_TLS if hidden else Kind.LOGIN_UNSUPPORTED
            raise MailError(kind, Step.LOGIN, " ".join(smtp.server_auth_methods))
        return methods

    async def _authenticate(self, smtp: aiosmtplib.SMTP, method: str) -> SMTPResponse:
        login = self._login
        if method == "xoauth2":
            return await smtp.auth_xoauth2(login.username, login.access_token)
        if method == "plain":
            return await smtp.auth_plain(login.username, login.password)
        if method == "login":
            return await smtp.auth_login(login.username, login.password)
        return await smtp.auth_crammd5(login.username, login.password)

    async def command(self, command: bytes) -> SMTPResponse:
        """One command and its answer, whatever its code."""
        answers, error = await self._ask([command])
        if error is not None:
            raise error
        return answers[0]

    @property
    def can_pipeline(self) -> bool:
        return "pipelining" in self.extensions

    async def pipeline(
        self, step: Step, commands: Sequence[bytes]
    ) -> tuple[list[SMTPResponse], MailError | None]:
        """Several commands in one go: their answers, and why there are fewer, where there are."""
        answers, error = await self._ask(commands)
        return answers, self._translate(error, step) if error is not None else None

    async def _ask(self, commands: Sequence[bytes]) -> tuple[list[SMTPResponse], Exception | None]:
        for command in commands:
            self._note("C: " + command.decode("utf-8", "replace"))
        answers, error = await exchange(
            self._protocol(), joined(commands), len(commands), timeout=self._login.timeout
        )
        for answer in answers:
            self._note_answer(answer)
            if answer.code == SMTPStatus.domain_unavailable:
                self._connected().close()
        return answers, error

    async def send_body(self, body: bytes, *, timeout: float) -> SMTPResponse:
        """Sends what follows DATA (dots already doubled) and waits for the verdict on it."""
        self._note(f"C: … {len(body)} bytes …")
        answers, error = await exchange(self._protocol(), body, 1, timeout=timeout)
        if error is not None:
            raise error
        self._note_answer(answers[0])
        return answers[0]

    @property
    def extensions(self) -> dict[str, str]:
        """What EHLO offered: lower-case name → its parameters."""
        return self._smtp.esmtp_extensions if self._smtp else {}

    @property
    def is_connected(self) -> bool:
        """As far as is known without listening."""
        return self._smtp is not None and self._smtp.is_connected

    @property
    def is_open(self) -> bool:
        """Lets the loop take in what arrived meanwhile, so that a hang-up is noticed."""
        if self.is_connected and self._has_arrived():
            self.run(_turn_over())
        return self.is_connected

    def _has_arrived(self) -> bool:
        """Whether something waits to be read: asking the socket costs less than a turn of the loop."""
        transport = self._smtp.transport if self._smtp else None
        sock = transport.get_extra_info("socket") if transport else None
        if sock is None:
            return True
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def abandon(self) -> None:
        """Closes without a word."""
        if self._smtp is not None:
            self._smtp.close()
            await _turn_over()

    def close(self) -> None:
        """QUIT if still connected; then everything is released. Never raises."""
        if self._smtp is not None:
            with contextlib.suppress(*_ERRORS):
                if self._smtp.is_connected:
                    self.run(self._smtp.quit(timeout=_QUIT_SECONDS))
            self.run(self.abandon())
            self._smtp = None
        self._runner.close()

    def _connected(self) -> aiosmtplib.SMTP:
        if self._smtp is None:
            raise aiosmtplib.SMTPServerDisconnected("Server not connected")
        return self._smtp

    def _protocol(self) -> SMTPProtocol:
        protocol = self._connected().protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return protocol

    def _note(self, line: str) -> None:
        if self._transcript is not None:
            self._transcript.append(self._login.mask(line))

    def _note_answer(self, answer: SMTPResponse) -> None:
        if self._transcript is not None:
            self._note(f"S: {answer.code} {readable(answer.message)}")

    def _translate(self, error: Exception, step: Step) -> MailError:
        if isinstance(error, aiosmtplib.SMTPResponseException):
            detail = self._login.mask(readable(error.message))
            kind = self._refusal_kind(error.code, detail, step)
            return MailError(kind, step, detail, max(error.code, 0))
        return translate_error(error, step)

    def _refusal_kind(self, code: int, text: str, step: Step) -> Kind:
        if code < 0:
            return Kind.NOT_THIS_PROTOCOL if step is Step.GREETING else Kind.SERVER_ERROR
        verdict = classify_reply(code, text, step)
        if verdict is Verdict.THROTTLE:
            return Kind.RATE_LIMITED
        if 400 <= code < 500:
            return Kind.SERVER_BUSY
        if step is Step.TLS:
            return Kind.TLS_FAILED
        if step is not Step.LOGIN:
            return Kind.SERVER_ERROR
        return {504: Kind.LOGIN_UNSUPPORTED, 538: Kind.LOGIN_NEEDS_TLS}.get(code) or login_kind(
            text, self._login
        )


async def _turn_over() -> None:
    for _ in range(3):  # select, its callbacks, what those scheduled
        await asyncio.sleep(0)
