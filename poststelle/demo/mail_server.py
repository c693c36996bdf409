"""The demo's mail server in a process of its own: IMAP (pymap), SMTP (aiosmtpd), the customers' page.

Everything is in memory and on loopback. It ends when its standard input closes, so never later than
the process that started it.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parseaddr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pymap.backend.dict import Config, DictBackend, Identity
from pymap.imap import IMAPService
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata

from poststelle.demo.customer_page import serve_customer_page
from poststelle.demo.customers import Customers
from poststelle.demo.mails import Mail, first_mails

HOST = "127.0.0.1"
PASSWORD = "demo"  # noqa: S105
COMPANY_DOMAIN = "musterfirma.example"
COMPANY_MAILBOXES = tuple(f"{name}@{COMPANY_DOMAIN}" for name in ("support", "rechnung", "max"))
ALIASES = {f"info@{COMPANY_DOMAIN}": f"support@{COMPANY_DOMAIN}"}


class MailServer:
    """Mailboxes of the company by IMAP; whatever it sends elsewhere reaches the customers."""

    def __init__(self, config: Config, backend: DictBackend) -> None:
        self._config = config
        self._backend = backend
        self.customers = Customers(send=self.receive)

    async def add_mailboxes(self) -> None:
        password = await Passwords(self._config).hash_password(PASSWORD)
        for name in COMPANY_MAILBOXES:
            identity = self._identity(name)
            await identity.set(UserMetadata(self._config, name, password=password))
            async with identity.new_session() as session:
                await session.mailbox_set.add_mailbox("Sent")

    async def receive(self, mail: Mail) -> None:
        """Puts a mail into the mailbox of its recipient, as the internet would."""
        name = ALIASES.get(mail.to, mail.to)
        if name not in COMPANY_MAILBOXES:
            return
        head = f"Return-Path: <{mail.sender}>\r\nDelivered-To: {mail.to}\r\n".encode()
        async with self._identity(name).new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(head + mail.raw, mail.received_at, frozenset()))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook: what the company sends."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = parseaddr(envelope.mail_from or "")[1].lower()
        for recipient in envelope.rcpt_tos:
            to = recipient.lower()
            if to.endswith(f"@{COMPANY_DOMAIN}"):
                await self.receive(Mail(to, sender, raw, datetime.now(UTC)))
            else:
                self.customers.take(to, sender, raw)
        return "250 OK"

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """aiosmtpd's hook: one domain refuses, so that a failure can be looked at."""
        if address.lower().startswith("unbekannt@"):
            return "550 5.1.1 User unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def _identity(self, name: str) -> Identity:
        return Identity(name, self._backend.login, None, frozenset({"admin"}))


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
) -> AuthResult:
    accepted = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=accepted)


async def run(*, imap_port: int, smtp_port: int, customer_port: int, fill: bool) -> None:
    """Serves until standard input closes. `fill` delivers the first forty mails."""
    args = _imap_arguments(imap_port)
    backend, config = await DictBackend.init(args)
    config.apply_context()
    server = MailServer(config, backend)
    await server.add_mailboxes()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        await backend.start(stack)
        await IMAPService(backend, config).start(stack)
        smtp = await loop.create_server(
            lambda: SMTP(
                server,
                hostname="mail.musterfirma.example",
                auth_require_tls=False,
                authenticator=_authenticate,
                enable_SMTPUTF8=True,
                loop=loop,
            ),
            HOST,
            smtp_port,
        )
        stack.callback(smtp.close)
        page = await serve_customer_page(server.customers, host=HOST, port=customer_port)
        stack.callback(page.close)
        if fill:
            for mail in first_mails():
                await server.receive(mail)
        print("ready", flush=True)
        traffic = asyncio.create_task(server.customers.keep_writing())
        await loop.run_in_executor(None, sys.stdin.read)  # until the parent is gone
        traffic.cancel()


def _imap_arguments(port: int) -> Namespace:
    parser = ArgumentParser()
    parser.set_defaults(debug=False, passlib_cfg=None)
    IMAPService.add_arguments(parser)
    DictBackend.add_subparser("dict", parser.add_subparsers(dest="backend"))
    return parser.parse_args(["--host", HOST, "--port", str(port), "--no-tls", "dict"])


def main() -> None:
    parser = ArgumentParser()
    for name in ("--imap-port", "--smtp-port", "--customer-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--fill", action="store_true")
    given = parser.parse_args()
    asyncio.run(
        run(
            imap_port=given.imap_port,
            smtp_port=given.smtp_port,
            customer_port=given.customer_port,
            fill=given.fill,
        )
    )


if __name__ == "__main__":
    main()
