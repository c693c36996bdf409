"""An SMTP server on aiosmtpd that keeps what it is given and misbehaves on demand."""

from __future__ import annotations

import asyncio
import base64
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mailcore.server import AuthMethod, Encryption, ServerLogin
from tests.servers.certificates import Certificate
from tests.servers.free_port import LOOPBACK, free_port

PASSWORD = "geheim"
ACCESS_TOKEN = "access-token-1"
NULL_SENDER = "<>"


@dataclass(frozen=True, slots=True)
class Received:
    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    options: tuple[str, ...]  # of MAIL FROM: "SIZE=…", "SMTPUTF8", …
    username: str
    is_encrypted: bool


@dataclass
class Sink:
    """What came in, and how the next commands shall be answered: "" means yes, else e.g. "451 4.3.0 later".

    Change the answers at any time; `reset()` makes it well-behaved again.
    """

    port: int
    encryption: Encryption
    ca_file: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    on_mail: str = ""
    on_recipient: dict[str, str] = field(default_factory=dict)  # by address; "*" for all others
    on_data: str = ""  # the answer to DATA itself, instead of 354
    on_body: str = ""  # the answer after the message
    on_auth: str = ""
    drop_on: str = ""  # hang up instead of answering: "mail", "rcpt", "data", "body"
    keep_dropped: bool = False  # the message is accepted although the connection is lost
    hang_on: str = ""  # the same phases: never answer, until the client leaves or `release`
    deliver_to: Callable[[Received], None] | None = None
    arrived: threading.Condition = field(default_factory=threading.Condition, repr=False)
    released: threading.Event = field(default_factory=threading.Event, repr=False)

    def login(
        self,
        *,
        username: str = "absender@example.com",
        password: str = PASSWORD,
        access_token: str = ACCESS_TOKEN,
        auth: AuthMethod = AuthMethod.PASSWORD,
        timeout: float = 10,
    ) -> ServerLogin:
        return ServerLogin(
            host="localhost" if self.ca_file else LOOPBACK,
            port=self.port,
            encryption=self.encryption,
            username=username,
            password=password,
            access_token=access_token,
            auth=auth,
            timeout=timeout,
            ca_file=self.ca_file,
        )

    def reset(self) -> None:
        self.received.clear()
        self.connections = 0
        self.on_mail = self.on_data = self.on_body = self.on_auth = ""
        self.on_recipient = {}
        self.drop_on = self.hang_on = ""
        self.keep_dropped = False
        self.deliver_to = None
        self.released.set()
        self.released = threading.Event()

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Received]:
        """The messages as soon as there are `count`. Raises TimeoutError."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.received) >= count, seconds):
                raise TimeoutError(f"{len(self.received)} of {count} messages arrived")
        return list(self.received)

    def wait_for_recipient(self, address: str, *, seconds: float = 10) -> Received:
        """The first message to `address`, whatever else comes in. Raises TimeoutError."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: self._sent_to(address), seconds):
                raise TimeoutError(f"nothing to {address} among {len(self.received)} messages")
        return self._sent_to(address)[0]

    def _sent_to(self, address: str) -> list[Received]:
        return [message for message in self.received if address in message.recipients]


def deliver_by_lmtp(port: int) -> Callable[[Received], None]:
    """Hands each message on to an LMTP server on loopback, as a local delivery."""

    def deliver(message: Received) -> None:
        with smtplib.LMTP(LOOPBACK, port) as lmtp:
            lmtp.sendmail(message.envelope_from, list(message.recipients), message.raw)

    return deliver


@contextmanager
def run_smtp_sink(
    *,
    encryption: Encryption = Encryption.NONE,
    certificate: Certificate | None = None,
    ca_file: str = "",
    port: int = 0,
    size_limit: int = 33_554_432,
    smtputf8: bool = True,
    offers_auth: bool = True,
    auth_required: bool = False,
) -> Iterator[Sink]:
    """A started sink; `encryption` other than none needs a certificate.

    As the relay behind a Dovecot it must not offer AUTH: Dovecot would then send MAIL's AUTH
    parameter, which aiosmtpd does not know.
    """
    sink = Sink(port or free_port(), encryption, ca_file)
    context = certificate.server_context() if certificate else None
    controller = _Controller(
        _Handler(sink),
        hostname=LOOPBACK,
        port=sink.port,
        ssl_context=context if encryption is Encryption.SSL else None,
        tls_context=context if encryption is Encryption.STARTTLS else None,
        require_starttls=encryption is Encryption.STARTTLS,
        data_size_limit=size_limit,
        enable_SMTPUTF8=smtputf8,
        server_hostname="sink.example.com",
        authenticator=_authenticator(sink),
        auth_required=auth_required,
        auth_require_tls=not offers_auth,
    )
    controller.start()
    sink.connections = 0  # the controller tries its own door first
    try:
        yield sink
    finally:
        sink.released.set()
        controller.stop()


class _Server(SMTP):
    """aiosmtpd with a DATA command that can be refused."""

    async def smtp_DATA(self, arg: str | None) -> None:
        sink: Sink = self.event_handler.sink
        if self.envelope and self.envelope.rcpt_tos:
            if not await self.event_handler.behave("data", self):
                return
            if sink.on_data:
                await self.push(sink.on_data)
                return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


def _authenticator(sink: Sink) -> Callable[..., AuthResult]:
    def check(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        if sink.on_auth:
            return AuthResult(success=False, handled=False, message=sink.on_auth)
        is_right = given.password == PASSWORD.encode()
        name = given.login.decode("utf-8", "replace")
        return AuthResult(success=is_right, handled=False, auth_data=name)

    return check


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    async def behave(self, phase: str, server: SMTP) -> bool:
        """False: the client gets no answer."""
        if self.sink.drop_on == phase:
            transport = server.transport
            assert isinstance(transport, asyncio.WriteTransport)
            transport.abort()
            return False
        if self.sink.hang_on == phase:
            released = self.sink.released
            await asyncio.get_running_loop().run_in_executor(None, released.wait, 60)
            return False
        return True

    async def handle_EHLO(
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        self.sink.connections += 1
        return responses

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self.behave("mail", server)
        if self.sink.on_mail:
            return self.sink.on_mail
        envelope.mail_from = address or NULL_SENDER  # aiosmtpd takes "" for a missing MAIL
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        await self.behave("rcpt", server)
        answers = self.sink.on_recipient
        answer = answers.get(address, answers.get("*", ""))
        if answer and not answer.startswith("2"):
            return answer
        envelope.rcpt_tos.append(address)
        return answer or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        silent = "body" in (self.sink.drop_on, self.sink.hang_on)
        if self.sink.on_body and not silent:
            return self.sink.on_body
        if not silent or self.sink.keep_dropped:
            message = _received(server, session, envelope)
            if self.sink.deliver_to is not None:
                await asyncio.get_running_loop().run_in_executor(
                    None, self.sink.deliver_to, message
                )
            with self.sink.arrived:
                self.sink.received.append(message)
                self.sink.arrived.notify_all()
        await self.behave("body", server)
        return "250 2.0.0 queued as 4711"

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:
        """RFC-less but universal: user=…^Aauth=Bearer …^A^A, base64, as the initial response."""
        given = base64.b64decode(arguments[1]).decode() if len(arguments) > 1 else ""
        user, _, bearer = given.partition("\x01")
        if bearer.rstrip("\x01") == f"auth=Bearer {ACCESS_TOKEN}" and not self.sink.on_auth:
            return AuthResult(success=True, auth_data=user.removeprefix("user="))
        await server.push("334 eyJzdGF0dXMiOiI0MDEifQ==")
        await server._reader.readline()
        return AuthResult(
            success=False, handled=False, message=self.sink.on_auth or "535 5.7.8 bad token"
        )


def _received(server: SMTP, session: Session, envelope: Envelope) -> Received:
    raw, transport = envelope.original_content, server.transport
    is_encrypted = transport is not None and transport.get_extra_info("sslcontext") is not None
    return Received(
        envelope_from="" if envelope.mail_from == NULL_SENDER else envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        raw=raw if isinstance(raw, bytes) else b"",
        options=tuple(envelope.mail_options),
        username=str(session.auth_data or ""),
        is_encrypted=is_encrypted,
    )
