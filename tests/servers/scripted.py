"""IMAP and SMTP servers that do by script what real ones will not do: garbage, silence, half answers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailcore.server import AuthMethod, Encryption, ServerLogin
from tests.servers.free_port import LOOPBACK, free_port


@dataclass
class Peer:
    """The server's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[str]

    async def say(self, data: str | bytes) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)
        await self.writer.drain()

    async def hear(self) -> str:
        """The next line without its end; ConnectionError when the client has left."""
        line = await self.reader.readline()
        if not line:
            raise ConnectionResetError("the client has left")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        self.heard.append(text)
        return text

    async def stay_silent(self) -> None:
        """Reads on and answers nothing until the client leaves."""
        while await self.reader.read(65536):
            pass

    def drop(self) -> None:
        """Cuts the connection (RST)."""
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]
# What to answer: a text in which {tag} is the command's tag, or a script of its own.
Answer = str | Script


@dataclass
class ScriptedServer:
    port: int
    heard: list[str] = field(default_factory=list)  # every line from every client
    connections: int = 0
    errors: list[BaseException] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None

    def tell(self, peer: Peer, data: str | bytes) -> None:
        """Says something to a client out of the script's turn."""
        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(peer.say(data), self.loop).result(10)

    def hang_up(self, peer: Peer) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(peer.drop)

    def login(
        self,
        *,
        timeout: float = 2,
        auth: AuthMethod = AuthMethod.PASSWORD,
        host: str = LOOPBACK,
        encryption: Encryption = Encryption.NONE,
        ca_file: str = "",
    ) -> ServerLogin:
        return ServerLogin(
            host=host,
            port=self.port,
            encryption=encryption,
            ca_file=ca_file,
            username="user",
            password="geheim",
            access_token="token-1",
            auth=auth,
            timeout=timeout,
        )


@contextmanager
def run_scripted(
    script: Script, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    """Serves every connection by the script. An exception in it other than a lost client is raised."""
    server = ScriptedServer(port or free_port())
    loop = server.loop = asyncio.new_event_loop()
    started = threading.Event()
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            await script(Peer(reader, writer, server.heard))
        except (ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:
            server.errors.append(error)
        finally:
            writer.close()

    async def main() -> None:
        listener = await asyncio.start_server(serve, LOOPBACK, server.port, limit=1 << 24, ssl=tls)
        started.set()
        await stop.wait()
        listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    if not started.wait(10):
        raise TimeoutError("the scripted server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
    if server.errors:
        raise server.errors[0]


def imap_script(
    answers: Mapping[str, Answer] | None = None,
    *,
    greeting: str = "* OK ready\r\n",
    capabilities: str = "IMAP4rev1 AUTH=PLAIN UIDPLUS IDLE",
    uidvalidity: int = 1,
    uidnext: int = 4,
) -> Script:
    """A server that answers sensibly except where `answers` says otherwise, by command ("UID FETCH")."""
    select = (
        f"* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY {uidvalidity}] ok\r\n"
        f"* OK [UIDNEXT {uidnext}] ok\r\n{{tag}} OK [READ-ONLY] done\r\n"
    )
    table: dict[str, Answer] = {
        "CAPABILITY": f"* CAPABILITY {capabilities}\r\n{{tag}} OK done\r\n",
        "AUTHENTICATE": _imap_authenticate,
        "EXAMINE": select,
        "SELECT": select.replace("READ-ONLY", "READ-WRITE"),
        "LOGOUT": "* BYE\r\n{tag} OK done\r\n",
    }
    table.update(answers or {})

    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        while True:
            tag, _, command = (await peer.hear()).partition(" ")
            name = next((n for n in table if command.upper().startswith(n)), "")
            await _answer(peer, table.get(name, "{tag} OK done\r\n"), tag)

    return script


async def _imap_authenticate(peer: Peer) -> None:
    tag = peer.heard[-1].partition(" ")[0]
    await peer.say("+ \r\n")
    await peer.hear()
    await peer.say(f"{tag} OK done\r\n")


def smtp_script(
    answers: Mapping[str, Answer] | None = None,
    *,
    greeting: str = "220 ready\r\n",
    extensions: tuple[str, ...] = ("SIZE 1000000", "AUTH PLAIN", "8BITMIME"),
) -> Script:
    """Like `imap_script`; the verbs are those of SMTP, and "." is the answer to the message."""
    hello = "".join(f"250-{line}\r\n" for line in ("hello", *extensions)) + "250 HELP\r\n"
    table: dict[str, Answer] = {
        "EHLO": hello,
        "AUTH": "235 welcome\r\n",
        "DATA": "354 go ahead\r\n",
        ".": "250 queued\r\n",
        "QUIT": "221 bye\r\n",
    }
    table.update(answers or {})

    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        while True:
            line = await peer.hear()
            verb = re.split(r"[ :]", line, maxsplit=1)[0].upper()
            answer = table.get(verb, "250 ok\r\n")
            await _answer(peer, answer, "")
            if verb == "DATA" and isinstance(answer, str) and answer.startswith("354"):
                while await peer.hear() != ".":
                    pass
                await _answer(peer, table["."], "")

    return script


async def _answer(peer: Peer, answer: Answer, tag: str) -> None:
    if isinstance(answer, str):
        await peer.say(answer.replace("{tag}", tag))
    else:
        await answer(peer)


async def drop(peer: Peer) -> None:
    """An answer: cut the connection."""
    peer.drop()
    raise ConnectionResetError("dropped by the script")


async def silence(peer: Peer) -> None:
    """An answer: none, for as long as the client stays."""
    with contextlib.suppress(ConnectionError):
        await peer.stay_silent()
    raise ConnectionResetError("the client has left")


def say_and_drop(text: str) -> Script:
    """An answer: these words, then the end of the connection."""

    async def answer(peer: Peer) -> None:
        tag = peer.heard[-1].partition(" ")[0]
        await peer.say(text.replace("{tag}", tag))
        peer.writer.close()
        raise ConnectionResetError("dropped by the script")

    return answer
