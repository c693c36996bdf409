"""An IMAP server that claims a mailbox of any size and counts what a client costs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.servers.scripted import Peer, imap_script, run_scripted


@dataclass
class CountedMailbox:
    port: int = 0
    commands: list[str] = field(default_factory=list)
    bytes: int = 0  # both ways


class _Counting:
    """Stands between the script and the writer."""

    def __init__(self, writer: asyncio.StreamWriter, mailbox: CountedMailbox) -> None:
        self._writer, self._mailbox = writer, mailbox

    def write(self, data: bytes) -> None:
        self._mailbox.bytes += len(data)
        self._writer.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)


@contextmanager
def counted_mailbox(messages: int) -> Iterator[CountedMailbox]:
    """An INBOX with this many messages, UIDs from 1, UIDVALIDITY 1."""
    mailbox = CountedMailbox()
    everything = " ".join(str(uid) for uid in range(1, messages + 1))
    status = f"(UIDVALIDITY 1 UIDNEXT {messages + 1} MESSAGES {messages})"
    answers = {
        "STATUS": f'* STATUS "INBOX" {status}\r\n{{tag}} OK done\r\n',
        "UID SEARCH": f"* SEARCH {everything}\r\n{{tag}} OK done\r\n",
    }
    script = imap_script(dict(answers), uidnext=messages + 1)

    async def counted(peer: Peer) -> None:
        peer.writer = _Counting(peer.writer, mailbox)  # type: ignore[assignment]
        try:
            await script(peer)
        finally:
            mailbox.bytes += sum(len(line.encode()) + 2 for line in peer.heard)
            mailbox.commands += [line.split(" ", 1)[1] for line in peer.heard if " " in line]

    with run_scripted(counted) as server:
        mailbox.port = server.port
        yield mailbox
