"""IMAP servers that misbehave: every method ends with a MailError, in time."""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from mailcore.errors import Kind, MailError, Step
from mailcore.imap import ImapSession, open_imap
from mailcore.server import Encryption
from tests.servers.certificates import Certificates
from tests.servers.scripted import (
    Answer,
    Peer,
    drop,
    imap_script,
    run_scripted,
    say_and_drop,
    silence,
)

Method = Callable[[ImapSession], object]

METHODS: dict[str, tuple[str, Method]] = {
    "LIST": ("list", lambda s: s.folders()),
    "STATUS": ("status", lambda s: s.status("INBOX")),
    "EXAMINE": ("select", lambda s: s.select("INBOX")),
    "UID FETCH": ("fetch", lambda s: s.fetch_batch([1])),
    "UID SEARCH": ("search", lambda s: s.all_uids()),
    "APPEND": ("append", lambda s: s.append("Sent", b"x: y\r\n\r\nz\r\n")),
    "IDLE": ("idle", lambda s: s.idle_start()),
}


def prepared(session: ImapSession, command: str) -> None:
    if command.startswith("UID") or command == "IDLE":
        session.select("INBOX")


@pytest.mark.parametrize("command", METHODS)
@pytest.mark.parametrize("answer", ["{tag} NO not now\r\n", "{tag} BAD what?\r\n"])
def test_a_refusal_leaves_the_session_usable(command: str, answer: str) -> None:
    with run_scripted(imap_script({command: answer})) as server, open_imap(server.login()) as s:
        prepared(s, command)
        with pytest.raises(MailError) as caught:
            METHODS[command][1](s)
        assert caught.value.kind is Kind.SERVER_ERROR
        assert ("not now" in caught.value.detail) or ("what?" in caught.value.detail)
        assert s.is_usable
        s.noop()


@pytest.mark.parametrize("command", METHODS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (drop, Kind.DISCONNECTED),
        (silence, Kind.TIMEOUT),
        (say_and_drop("* 1 FETCH (UID 1 BODY[] {100}\r\nhalf of i"), Kind.DISCONNECTED),
        (say_and_drop("* BYE shutting down\r\n"), Kind.DISCONNECTED),
        (say_and_drop("HTTP/1.1 400 Bad Request\r\n\r\n"), Kind.SERVER_ERROR),
        (say_and_drop("\x00\x01\x02\x03"), Kind.DISCONNECTED),
    ],
    ids=["drop", "silence", "half-literal", "bye", "garbage", "no-line-end"],
)
def test_the_end_of_the_connection(command: str, answer: Answer, kind: Kind) -> None:
    with (
        run_scripted(imap_script({command: answer})) as server,
        open_imap(server.login(timeout=0.3)) as session,
    ):
        prepared(session, command)
        with pytest.raises(MailError) as caught:
            METHODS[command][1](session)
        assert caught.value.kind is kind
        assert not session.is_usable
        with pytest.raises(MailError):
            session.status("INBOX")


@pytest.mark.parametrize(
    "answer",
    [
        "* STATUS INBOX (UIDNEXT soon)\r\n{tag} OK done\r\n",
        "* STATUS INBOX (UIDNEXT\r\n{tag} OK done\r\n",
        "* STATUS INBOX UIDNEXT 4\r\n{tag} OK done\r\n",
        "* STATUS\r\n{tag} OK done\r\n",
        "{tag} OK done\r\n",
    ],
)
def test_answers_that_are_no_status(answer: str) -> None:
    with run_scripted(imap_script({"STATUS": answer})) as server, open_imap(server.login()) as s:
        with pytest.raises(MailError) as caught:
            s.status("INBOX")
        assert (caught.value.kind, caught.value.step) == (Kind.SERVER_ERROR, Step.SELECT)


@pytest.mark.parametrize(
    "answer",
    [
        "* 1 FETCH (UID one RFC822.SIZE 3)\r\n{tag} OK done\r\n",
        "* 1 FETCH (UID 1 RFC822.SIZE)\r\n{tag} OK done\r\n",
        "* 1 FETCH UID 1\r\n{tag} OK done\r\n",
        '* 1 FETCH (UID 1 BODY[] "never ends)\r\n{tag} OK done\r\n',
        "* 1 FETCH (UID 1 BODY[] {99999999999999}\r\n",
    ],
)
def test_answers_that_are_no_message(answer: str) -> None:
    with run_scripted(imap_script({"UID FETCH": answer})) as server, open_imap(server.login()) as s:
        s.select("INBOX")
        with pytest.raises(MailError) as caught:
            s.fetch_batch([1])
        assert caught.value.kind is Kind.SERVER_ERROR


def test_flag_changes_told_in_passing_are_no_messages() -> None:
    search = "* SEARCH 3\r\n{tag} OK done\r\n"
    answer = (
        "* 7 FETCH (FLAGS (\\Seen))\r\n"
        '* 1 FETCH (UID 3 RFC822.SIZE 10 INTERNALDATE "gibberish")\r\n{tag} OK done\r\n'
    )
    script = imap_script({"UID FETCH": answer, "UID SEARCH": search})
    with run_scripted(script) as server, open_imap(server.login()) as s:
        s.select("INBOX")
        (info,) = s.list_new(2, 10)
        assert (info.uid, info.size) == (3, 10)
        assert info.internaldate.tzinfo is not None


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [
        ("220 smtp.example.com ESMTP\r\n", Kind.NOT_THIS_PROTOCOL),
        ("+OK POP3 ready\r\n", Kind.NOT_THIS_PROTOCOL),
        ("SSH-2.0-OpenSSH_9.2\r\n", Kind.NOT_THIS_PROTOCOL),
        ("* BYE too many connections from your address\r\n", Kind.RATE_LIMITED),
        ("* BYE [UNAVAILABLE] maintenance\r\n", Kind.SERVER_BUSY),
    ],
)
def test_greetings(greeting: str, kind: Kind) -> None:
    with run_scripted(imap_script(greeting=greeting)) as server:
        with pytest.raises(MailError) as caught:
            open_imap(server.login())
        assert (caught.value.kind, caught.value.step) == (kind, Step.GREETING)


def test_no_greeting_at_all() -> None:
    with run_scripted(silence) as server:
        with pytest.raises(MailError) as caught:
            open_imap(server.login(timeout=0.2))
        assert (caught.value.kind, caught.value.step) == (Kind.TIMEOUT, Step.GREETING)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            "{tag} NO [ALERT] Application-specific password required\r\n",
            Kind.LOGIN_NEEDS_APP_PASSWORD,
        ),
        ("{tag} NO LOGIN failed, basic authentication is disabled\r\n", Kind.LOGIN_NEEDS_OAUTH),
        ("{tag} NO [PRIVACYREQUIRED] use TLS\r\n", Kind.LOGIN_NEEDS_TLS),
        ("{tag} NO [UNAVAILABLE] later\r\n", Kind.SERVER_BUSY),
        ("{tag} NO [LIMIT] too many simultaneous connections\r\n", Kind.RATE_LIMITED),
        ("{tag} NO [AUTHENTICATIONFAILED] geheim is wrong\r\n", Kind.LOGIN_FAILED),
    ],
)
def test_why_a_login_is_refused(answer: str, kind: Kind) -> None:
    script = imap_script({"LOGIN": answer}, capabilities="IMAP4rev1")
    with run_scripted(script) as server:
        with pytest.raises(MailError) as caught:
            open_imap(server.login())
        assert caught.value.kind is kind
        assert "geheim" not in str(caught.value)


def test_login_quotes_names_and_passwords() -> None:
    with run_scripted(imap_script(capabilities="IMAP4rev1")) as server:
        login = replace(server.login(), username='a "b"', password="p\\w")
        with open_imap(login) as session:
            session.noop()
        with pytest.raises(MailError) as caught:
            open_imap(replace(login, password="a\r\nX LOGOUT"))
        assert caught.value.kind is Kind.LOGIN_FAILED
    (line,) = [line for line in server.heard if " LOGIN " in line]
    assert line.endswith(' LOGIN "a \\"b\\"" "p\\\\w"')


def test_plain_login_is_not_forced_where_the_server_forbids_it() -> None:
    with run_scripted(imap_script(capabilities="IMAP4rev1 LOGINDISABLED")) as server:
        with pytest.raises(MailError) as caught:
            open_imap(server.login())
        assert caught.value.kind is Kind.LOGIN_NEEDS_TLS
    assert not any("geheim" in line for line in server.heard)


def test_without_uidplus_messages_are_only_flagged() -> None:
    script = imap_script(capabilities="IMAP4rev1 AUTH=PLAIN")
    with run_scripted(script) as server, open_imap(server.login()) as session:
        session.select("INBOX", readonly=False)
        assert not session.delete([3, 1, 2, 9])
    commands = [line.split(" ", 1)[1] for line in server.heard if " UID " in line]
    assert commands == ["UID STORE 1:3,9 +FLAGS.SILENT (\\Deleted)"]
    assert not any("EXPUNGE" in line or "CLOSE" in line for line in server.heard)


def test_a_drip_is_not_waited_for_forever() -> None:
    """Every byte comes in time, the whole answer does not; whoever waits for it gets it."""

    async def drip(peer: Peer) -> None:
        tag = peer.heard[-1].partition(" ")[0]
        await peer.say("* 1 FETCH (UID 1 BODY[] {100}\r\n")
        for _ in range(100):
            await peer.say("x")
            await asyncio.sleep(0.05)
        await peer.say(f")\r\n{tag} OK done\r\n")

    with (
        run_scripted(imap_script({"UID FETCH": drip})) as server,
        open_imap(server.login(timeout=0.3)) as session,
    ):
        session.select("INBOX")
        with pytest.raises(MailError) as caught:
            session.fetch_batch([1])
    assert caught.value.kind is Kind.TIMEOUT


def test_an_idle_poll_is_few_commands() -> None:
    status = "* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 4 MESSAGES 500000)\r\n{tag} OK done\r\n"
    with (
        run_scripted(imap_script({"STATUS": status})) as server,
        open_imap(server.login()) as session,
    ):
        assert session.status("INBOX").uidnext == 4
    verbs = [line.split()[1] for line in server.heard if len(line.split()) > 1]
    assert len(verbs) <= 5


@pytest.mark.parametrize(
    "answer",
    [drop, say_and_drop("+ idling\r\n"), say_and_drop("+ idling\r\n* BYE bye\r\n")],
)
def test_a_hang_up_during_idle_is_an_error_not_silence(answer: Answer) -> None:
    def idle(session: ImapSession) -> None:
        session.idle_start()
        session.idle_wait(5)

    with (
        run_scripted(imap_script({"IDLE": answer})) as server,
        open_imap(server.login()) as session,
    ):
        session.select("INBOX")
        with pytest.raises(MailError) as caught:
            idle(session)
        assert (caught.value.kind, caught.value.step) == (Kind.DISCONNECTED, Step.IDLE)


def test_what_arrives_around_idle_is_not_missed() -> None:
    may_finish = threading.Event()

    async def idle(peer: Peer) -> None:
        tag = peer.heard[-1].split(" ")[0]
        # News before the consent, half a line, keep-alives, and more news after DONE.
        await peer.say("* 4 EXISTS\r\n+ idling\r\n* OK still here\r\n* 5 EXI")
        while not may_finish.is_set():
            await asyncio.sleep(0.01)
        await peer.say("STS\r\n")
        assert await peer.hear() == "DONE"
        await peer.say(f"* 6 EXISTS\r\n{tag} OK done\r\n")

    with run_scripted(imap_script({"IDLE": idle})) as server, open_imap(server.login()) as session:
        session.select("INBOX")
        session.idle_start()
        assert session.idle_wait(0)
        may_finish.set()
        assert session.idle_wait(5)
        assert session.idle_stop()
        session.noop()


def test_uidvalidity_changes_between_two_polls() -> None:
    validity = iter((1, 2))

    async def examine(peer: Peer) -> None:
        tag = peer.heard[-1].split(" ")[0]
        await peer.say(f"* 1 EXISTS\r\n* OK [UIDVALIDITY {next(validity)}] ok\r\n{tag} OK done\r\n")

    with run_scripted(imap_script({"EXAMINE": examine})) as server, open_imap(server.login()) as s:
        assert [s.select("INBOX").uidvalidity, s.select("INBOX").uidvalidity] == [1, 2]


def test_idle_over_tls_sees_what_the_tls_layer_holds_and_waits_for_no_line_end(
    certificates: Certificates,
) -> None:
    """Several lines in one TLS record wake the socket once only; half a line is no reason to wait."""
    steps: queue.Queue[str] = queue.Queue()

    async def idle(peer: Peer) -> None:
        await peer.say("+ idling\r\n")
        while text := await asyncio.get_running_loop().run_in_executor(None, steps.get):
            await peer.say(text)
        await peer.hear()
        await peer.say(f"{peer.heard[-2].split()[0]} OK done\r\n")

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.valid.cert_file, certificates.valid.key_file)
    with run_scripted(imap_script({"IDLE": idle}), tls=tls) as server:
        login = server.login(
            timeout=3600,
            host="localhost",
            encryption=Encryption.SSL,
            ca_file=str(certificates.ca_file),
        )
        with open_imap(login) as session:
            session.select("INBOX")
            session.idle_start()
            steps.put("* 4 EXISTS\r\n* 5 EXISTS\r\n* 3 FETCH (FLAGS ({2}\r\nab))\r\n* 6 EXI")
            assert session.idle_wait(10)
            assert not session.idle_wait(0.05), "half a line"
            steps.put("STS\r\n" + "* 2 EXPUNGE\r\n" * 5000)
            assert session.idle_wait(10)
            steps.put("")
            assert not session.idle_stop()
            session.noop()


def test_silent_connections_are_probed() -> None:
    """A peer that vanished is noticed by the system, as nobody else asks during IDLE."""
    with (
        run_scripted(imap_script()) as server,
        open_imap(server.login()) as session,
        socket.socket(fileno=os.dup(session.fileno())) as sock,
    ):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, pause, count = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
    assert idle + pause * count <= 5 * 60


@pytest.mark.parametrize("greeting", ["* OK ready\r\n", "* PREAUTH welcome, user\r\n"])
@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=PLAIN STARTTLS"])
@pytest.mark.parametrize(
    "answer", ["{tag} NO\r\n", "{tag} BAD\r\n", drop, "{tag} OK\r\n* 1 EXISTS\r\n"]
)
def test_no_secret_is_ever_sent_in_plain_text(
    greeting: str, capabilities: str, answer: Answer
) -> None:
    """STARTTLS not offered, refused, skipped by PREAUTH, or plain text slipped in behind it."""
    script = imap_script({"STARTTLS": answer}, greeting=greeting, capabilities=capabilities)
    with run_scripted(script) as server:
        with pytest.raises(MailError) as caught:
            open_imap(server.login(encryption=Encryption.STARTTLS))
        assert caught.value.step is Step.TLS
        if "STARTTLS" not in capabilities:
            assert caught.value.kind is Kind.STARTTLS_MISSING
    assert not any("AUTHENTICATE" in line or "LOGIN" in line for line in server.heard)
