"""A mailbox behind a scripted IMAP server: it behaves, except where a test tells it not to."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.servers.scripted import Answer, Peer, ScriptedServer, drop, run_scripted

DATE = "01-Jun-2026 10:00:00 +0000"


@dataclass
class Mailbox:
    """One folder, INBOX, and the ways in which it misbehaves; tests change it while it is served."""

    messages: dict[int, bytes] = field(default_factory=dict)
    uidvalidity: int = 7
    capabilities: str = "IMAP4rev1 AUTH=PLAIN UIDPLUS IDLE"
    after_login: str = ""  # other capabilities from then on
    tells_uidnext: bool = True
    item_names: tuple[str, ...] = (
        "UID",
        "RFC822.SIZE",
        "INTERNALDATE",
    )  # what FETCH answers at all
    sizes: dict[int, int] = field(default_factory=dict)  # announced instead of the true ones
    dates: dict[int, str] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)  # „NO“ to a FETCH of the body with one of these
    withheld: set[int] = field(default_factory=set)  # „OK“, but without them
    cut: set[int] = field(default_factory=set)  # half of the body, then the end of the connection
    chatter: str = ""  # said amid the answers to FETCH
    folders: str = "INBOX"  # those that exist, by blanks
    answers: dict[str, Answer] = field(default_factory=dict)  # by the command's beginning
    deleted: set[int] = field(default_factory=set)
    bodies_asked: list[str] = field(default_factory=list)
    idlers: list[Peer] = field(default_factory=list)  # in IDLE now

    @property
    def uidnext(self) -> int:
        return max(self.messages, default=0) + 1

    async def serve(self, peer: Peer) -> None:
        await peer.say("* OK ready\r\n")
        while True:
            tag, _, command = (await peer.hear()).partition(" ")
            await self.answer(peer, tag, command)

    async def answer(self, peer: Peer, tag: str, command: str) -> None:
        own = next((a for name, a in self.answers.items() if command.startswith(name)), None)
        if isinstance(own, str):
            await peer.say(own.replace("{tag}", tag))
        elif own is not None:
            await own(peer)
        elif command.startswith("AUTHENTICATE"):
            await peer.say("+ \r\n")
            await peer.hear()
            await peer.say(f"{tag} OK done\r\n")
            self.capabilities = self.after_login or self.capabilities
        elif command.startswith("IDLE"):
            await self._idle(peer, tag)
        elif command.startswith("UID FETCH"):
            await self._fetch(peer, tag, command)
        else:
            await peer.say(self._simple(command) + f"{tag} {self._verdict(command)}\r\n")

    def _verdict(self, command: str) -> str:
        match = re.match(r"(?:STATUS|SELECT|EXAMINE) \"?([^\" ]+)", command)
        if match and match[1] not in self.folders.split():
            return "NO [NONEXISTENT] no such folder"
        return "OK done"

    def _simple(self, command: str) -> str:
        uidnext = f"UIDNEXT {self.uidnext} " if self.tells_uidnext else ""
        if command.startswith("CAPABILITY"):
            return f"* CAPABILITY {self.capabilities}\r\n"
        if command.startswith("STATUS"):
            status = f"{uidnext}UIDVALIDITY {self.uidvalidity} MESSAGES {len(self.messages)}"
            return f"* STATUS INBOX ({status})\r\n"
        if command.startswith(("SELECT", "EXAMINE")):
            told = f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.uidvalidity}] ok\r\n"
            return told + (f"* OK [{uidnext.strip()}] ok\r\n" if uidnext else "")
        if command.startswith("UID SEARCH UID"):
            found = " ".join(str(uid) for uid in self._named(command.split()[3]))
            return f"* SEARCH {found}".rstrip() + "\r\n"
        if command.startswith("UID STORE"):
            self.deleted |= set(self._named(command.split()[2]))
        elif command.startswith("UID EXPUNGE"):
            for uid in self._named(command.split()[2]):
                self.messages.pop(uid, None)
        return "* BYE\r\n" if command.startswith("LOGOUT") else ""

    async def _idle(self, peer: Peer, tag: str) -> None:
        await peer.say("+ idling\r\n")
        self.idlers.append(peer)
        try:
            await peer.hear()  # DONE
        finally:
            self.idlers.remove(peer)
        await peer.say(f"{tag} OK done\r\n")

    async def _fetch(self, peer: Peer, tag: str, command: str) -> None:
        uids = self._named(command.split()[2])
        asks_body = "BODY.PEEK[" in command
        if asks_body:
            self.bodies_asked.append(command.split()[2])
        if asks_body and self.refused & set(uids):
            await peer.say(f"{tag} NO it is damaged\r\n")
            return
        numbers = {uid: number for number, uid in enumerate(sorted(self.messages), 1)}
        for uid in uids:
            if not (asks_body and uid in self.withheld):
                await peer.say(self.chatter)
                await self._hand_out(peer, uid, numbers[uid], command)
        await peer.say(f"{tag} OK done\r\n")

    async def _hand_out(self, peer: Peer, uid: int, number: int, command: str) -> None:
        raw = self.messages[uid]
        if "BODY.PEEK[" not in command:
            told = {
                "UID": str(uid),
                "RFC822.SIZE": str(self.sizes.get(uid, len(raw))),
                "INTERNALDATE": f'"{self.dates.get(uid, DATE)}"',
            }
            items = " ".join(f"{name} {told[name]}" for name in self.item_names)
            await peer.say(f"* {number} FETCH ({items})\r\n")
            return
        part = "BODY[]"
        if "HEADER" in command:
            part, raw = "BODY[HEADER]", raw.partition(b"\n\n")[0] + b"\r\n\r\n"
        await peer.say(f"* {number} FETCH (UID {uid} {part} {{{len(raw)}}}\r\n")
        if uid in self.cut:
            await peer.say(raw[: len(raw) // 2])
            await drop(peer)
        await peer.say(raw + b")\r\n")

    def _named(self, uid_set: str) -> list[int]:
        """The UIDs that are there, of a set like 1:3,7,9:*; the last one belongs to every „n:*“."""
        last = max(self.messages, default=0)
        found: set[int] = set()
        for part in uid_set.split(","):
            first, _, end = part.partition(":")
            ends = sorted(last if word == "*" else int(word) for word in (first, end or first))
            found |= {uid for uid in self.messages if ends[0] <= uid <= ends[1]}
        return sorted(found)


@contextmanager
def serving(
    mailbox: Mailbox, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    with run_scripted(mailbox.serve, port=port, tls=tls) as server:
        yield server
