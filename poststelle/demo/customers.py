"""The people outside: they read what the company sends, answer some of it, and keep writing."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from mailcore.messages import Mailbox, ParsedMessage
from mailcore.parse import parse
from poststelle.demo.mails import Mail, answer_mail, bounce_mail, later_mails

SECONDS_BETWEEN_MAILS = (20, 50)
SECONDS_TO_ANSWER = (12, 30)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that reached a customer."""

    number: int
    to: str
    sender: str  # envelope
    message: ParsedMessage
    received_at: datetime

    @property
    def is_automatic(self) -> bool:
        return self.message.header("Auto-Submitted") not in (None, "no")


class Customers:
    """Mailboxes of everybody outside the company; `send` hands a mail to the company."""

    def __init__(self, *, send: Callable[[Mail], Awaitable[None]]) -> None:
        self._send = send
        self._random = random.Random(1)  # noqa: S311  # for variety, not for secrets
        self._tasks: set[asyncio.Task[None]] = set()
        self.letters: list[Letter] = []

    def take(self, to: str, sender: str, raw: bytes) -> None:
        """A mail of the company arrives; every third is answered after a while, a few come back."""
        letter = Letter(len(self.letters) + 1, to, sender, parse(raw), datetime.now(UTC))
        self.letters.append(letter)
        if to.startswith("verzogen@"):
            self._later(lambda: self._send(bounce_mail(letter.message, to=sender, failed=to)))
        elif not letter.is_automatic and sender and self._random.random() < 0.34:
            text = self._random.choice(
                ("Vielen Dank, das hilft mir weiter!", "Danke. Bis wann darf ich damit rechnen?")
            )
            self._later(lambda: self.answer(letter, text))

    async def answer(self, letter: Letter, text: str) -> None:
        """The customer replies to the address the mail came from."""
        company = letter.message.reply_to or letter.message.from_
        to = company[0] if company else Mailbox("", letter.sender)
        await self._send(answer_mail(letter.message, customer=letter.to, to=to.email, text=text))

    async def keep_writing(self) -> None:
        """New mail every half a minute or so, for ever."""
        for mail in later_mails():
            await asyncio.sleep(self._random.uniform(*SECONDS_BETWEEN_MAILS))
            await self._send(mail())

    def _later(self, act: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_act() -> None:
            await asyncio.sleep(self._random.uniform(*SECONDS_TO_ANSWER))
            with contextlib.suppress(asyncio.CancelledError):
                await act()

        task = asyncio.create_task(wait_and_act())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
