"""SMTP servers that misbehave, and the table of answers."""

from __future__ import annotations

import asyncio

import pytest

from mailcore.errors import Kind, MailError, Step
from mailcore.server import AuthMethod
from mailcore.smtp import (
    SendReport,
    SmtpSession,
    Verdict,
    classify_error,
    classify_reply,
    open_smtp,
)
from tests.servers.scripted import (
    Answer,
    Peer,
    drop,
    run_scripted,
    say_and_drop,
    silence,
    smtp_script,
)

RAW = b"Subject: x\r\n\r\nHallo\r\n"


def send(session: SmtpSession, raw: bytes = RAW) -> SendReport:
    return session.send("a@example.com", ["b@example.com"], raw, before_data=lambda: None)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (drop, Verdict.UNCERTAIN),
        (silence, Verdict.UNCERTAIN),
        (say_and_drop("250"), Verdict.UNCERTAIN),
        ("was?\r\n", Verdict.UNCERTAIN),
        (say_and_drop("421 4.3.2 shutting down\r\n"), Verdict.TEMPORARY),
        (say_and_drop("250 2.0.0 queued\r\n"), Verdict.ACCEPTED),
        ("251 2.0.0 queued\r\n", Verdict.ACCEPTED),
        ("550-5.7.60 no\r\n550 5.7.60 SendAsDenied\r\n", Verdict.ACCOUNT),
    ],
)
def test_the_answer_to_the_message(answer: Answer, verdict: Verdict) -> None:
    with (
        run_scripted(smtp_script({".": answer})) as server,
        open_smtp(server.login(timeout=0.3), body_timeout=0.3) as session,
    ):
        report = send(session)
        assert (report.step, report.verdict) == (Step.BODY, verdict)


def test_a_refusal_in_the_middle_of_the_message_is_heard() -> None:
    async def data(peer: Peer) -> None:
        await peer.say("354 go ahead\r\n")
        await peer.hear()
        await peer.say("552 5.3.4 too much\r\n")
        await peer.stay_silent()

    with (
        run_scripted(smtp_script({"DATA": data}, extensions=())) as server,
        open_smtp(server.login(auth=AuthMethod.NONE, timeout=0.5)) as session,
    ):
        report = send(session, RAW + b"x" * 3_000_000)
    assert (report.step, report.reply_code, report.verdict) == (Step.BODY, 552, Verdict.PERMANENT)


@pytest.mark.parametrize("extensions", [("AUTH PLAIN",), ("AUTH PLAIN", "PIPELINING")])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "answer",
    [drop, silence, "gibberish\r\n", say_and_drop("25"), say_and_drop("421 4.3.2 bye\r\n")],
    ids=["drop", "silence", "garbage", "half", "421"],
)
def test_nothing_is_uncertain_before_the_message(
    verb: str, answer: Answer, extensions: tuple[str, ...]
) -> None:
    with (
        run_scripted(smtp_script({verb: answer}, extensions=extensions)) as server,
        open_smtp(server.login(timeout=0.3)) as session,
    ):
        report = send(session)
        assert (report.step.value, report.verdict) == (verb.lower(), Verdict.TEMPORARY)
        assert not session.is_usable
    assert "Hallo" not in server.heard


class TestPipelining:
    """MAIL and all RCPT in one go, and their answers to whom they belong."""

    @staticmethod
    async def _answer_groups(peer: Peer) -> None:
        """Hears everything up to the last RCPT before it says a word; answers in odd pieces."""
        await peer.say("220 ready\r\n")
        await peer.hear()
        await peer.say("250-hello\r\n250 PIPELINING\r\n")
        for _ in range(4):
            await peer.hear()
        for piece in (
            "250 ok\r\n250-2.1.5",
            " fine\r\n250 fi",
            "ne\r\n550 5.1.1 no\r\n451",
            " later\r\n",
        ):
            await peer.say(piece)
            await asyncio.sleep(0.02)
        await peer.hear()
        await peer.say("354 go\r\n")
        while await peer.hear() != ".":
            pass
        await peer.say("250 queued\r\n")
        await peer.hear()

    def test_the_answers_belong_to_the_recipients(self) -> None:
        people = ["a@x.example", "b@x.example", "c@x.example"]
        with (
            run_scripted(self._answer_groups) as server,
            open_smtp(server.login(auth=AuthMethod.NONE)) as session,
        ):
            report = session.send("s@x.example", people, RAW, before_data=lambda: None)
        assert [(one.code, one.verdict) for one in report.recipients] == [
            (250, Verdict.ACCEPTED),
            (550, Verdict.PERMANENT),
            (451, Verdict.TEMPORARY),
        ]
        assert server.heard[1:5] == [
            "MAIL FROM:<s@x.example>",
            *(f"RCPT TO:<{one}>" for one in people),
        ]

    def test_what_was_answered_before_the_end_counts(self) -> None:
        answers = iter(["550 5.1.1 no\r\n"])

        async def rcpt(peer: Peer) -> None:
            words = next(answers, None)
            await (peer.say(words) if words else drop(peer))

        script = smtp_script({"RCPT": rcpt}, extensions=("PIPELINING",))
        with (
            run_scripted(script) as server,
            open_smtp(server.login(auth=AuthMethod.NONE)) as session,
        ):
            people = ["a@x.example", "b@x.example"]
            report = session.send("s@x.example", people, RAW, before_data=lambda: None)
            assert not session.is_usable
        first, second = report.recipients
        assert (second.verdict, report.step) == (Verdict.TEMPORARY, Step.RCPT)
        assert first.verdict in (Verdict.PERMANENT, Verdict.TEMPORARY)  # a reset may eat words

    def test_a_message_that_may_not_go_is_not_ended_although_data_was_said(self) -> None:
        def forbid() -> None:
            raise LookupError("the claim is lost")

        with (
            run_scripted(smtp_script({}, extensions=("PIPELINING",))) as server,
            open_smtp(server.login(auth=AuthMethod.NONE)) as session,
        ):
            with pytest.raises(LookupError):
                session.send("s@x.example", ["a@x.example"], RAW, before_data=forbid)
            assert not session.is_usable
        assert server.heard[-1] == "DATA"

    def test_where_nobody_is_accepted_the_connection_goes_on(self) -> None:
        answers = iter(["550 5.1.1 no\r\n"])

        async def rcpt(peer: Peer) -> None:
            await peer.say(next(answers, "250 2.1.5 yes\r\n"))

        with (
            run_scripted(smtp_script({"RCPT": rcpt}, extensions=("PIPELINING",))) as server,
            open_smtp(server.login(auth=AuthMethod.NONE)) as session,
        ):
            verdicts = [
                session.send("s@x.example", ["a@x.example"], RAW, before_data=lambda: None).verdict
                for _ in range(2)
            ]
        assert verdicts == [Verdict.PERMANENT, Verdict.ACCEPTED]
        # The first DATA was said along; the server wants a message then, and gets an empty one for nobody.
        said = [line for line in server.heard if line in ("DATA", "RSET")]
        assert said == ["DATA", "RSET", "DATA"]


def test_words_in_latin_1_and_worse_are_readable() -> None:
    async def answer(peer: Peer) -> None:
        await peer.say("250 Nachricht für Müller\0 angenommen\r\n".encode("latin-1"))

    with (
        run_scripted(smtp_script({".": answer})) as server,
        open_smtp(server.login()) as session,
    ):
        assert send(session).reply_text == "Nachricht für Müller angenommen"


def test_a_server_out_of_step_is_left() -> None:
    with (
        run_scripted(smtp_script({"DATA": "250 ok\r\n"})) as server,
        open_smtp(server.login()) as session,
    ):
        report = send(session)
        assert (report.step, report.verdict) == (Step.DATA, Verdict.TEMPORARY)
        assert not session.is_usable


def test_a_refused_rset_ends_the_connection() -> None:
    with (
        run_scripted(smtp_script({"MAIL": "550 no\r\n", "RSET": "500 what?\r\n"})) as server,
        open_smtp(server.login()) as session,
    ):
        assert send(session).verdict is Verdict.PERMANENT
        assert not session.is_usable


@pytest.mark.parametrize(
    ("greeting", "kind", "verdict"),
    [
        ("* OK IMAP4rev1 ready\r\n", Kind.NOT_THIS_PROTOCOL, Verdict.TEMPORARY),
        ("HTTP/1.1 400 Bad Request\r\n", Kind.NOT_THIS_PROTOCOL, Verdict.TEMPORARY),
        ("554 5.7.1 blocked\r\n", Kind.SERVER_ERROR, Verdict.TEMPORARY),
        ("421 4.7.0 too many connections\r\n", Kind.RATE_LIMITED, Verdict.THROTTLE),
        ("421 4.3.0 later\r\n", Kind.SERVER_BUSY, Verdict.TEMPORARY),
    ],
)
def test_greetings(greeting: str, kind: Kind, verdict: Verdict) -> None:
    with run_scripted(smtp_script(greeting=greeting)) as server:
        with pytest.raises(MailError) as caught:
            open_smtp(server.login())
        assert (caught.value.kind, caught.value.step) == (kind, Step.GREETING)
        assert classify_error(caught.value) is verdict


@pytest.mark.parametrize("answer", [silence, drop])
def test_no_greeting(answer: Answer) -> None:
    assert not isinstance(answer, str)
    with run_scripted(answer) as server:
        with pytest.raises(MailError) as caught:
            open_smtp(server.login(timeout=0.2))
        assert caught.value.kind in (Kind.TIMEOUT, Kind.DISCONNECTED)
        assert classify_error(caught.value) is Verdict.TEMPORARY


def test_old_servers_know_helo_only() -> None:
    script = smtp_script({"EHLO": "502 what?\r\n", "HELO": "250 hello\r\n"})
    with (
        run_scripted(script) as server,
        open_smtp(server.login(auth=AuthMethod.NONE)) as session,
    ):
        assert session.max_size is None
        assert send(session).verdict is Verdict.ACCEPTED
    assert "MAIL FROM:<a@example.com>" in server.heard


def test_secrets_echoed_by_the_server_are_masked() -> None:
    transcript: list[str] = []
    with (
        run_scripted(smtp_script({"AUTH": "535 5.7.8 geheim is wrong\r\n"})) as server,
        pytest.raises(MailError) as caught,
    ):
        open_smtp(server.login(), transcript=transcript)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in "".join(transcript)
    assert any(line.startswith("S: 250") for line in transcript)


def test_the_next_method_is_tried_only_if_one_is_not_known() -> None:
    answers = iter(("504 5.5.4 not this one\r\n", "334 VXNlcm5hbWU6\r\n"))

    async def auth(peer: Peer) -> None:
        await peer.say(next(answers))
        if "LOGIN" in peer.heard[-1]:
            await peer.hear()
            await peer.say("235 welcome\r\n")

    script = smtp_script({"AUTH": auth}, extensions=("AUTH LOGIN PLAIN",))
    with run_scripted(script) as server, open_smtp(server.login()) as session:
        assert send(session).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("code", "text", "step", "verdict"),
    [
        (250, "2.1.5 ok", Step.RCPT, Verdict.ACCEPTED),
        (251, "will forward", Step.RCPT, Verdict.ACCEPTED),
        (421, "4.3.2 shutting down", Step.MAIL, Verdict.TEMPORARY),
        (450, "4.2.1 greylisted, try again in 300 seconds", Step.RCPT, Verdict.TEMPORARY),
        (451, "4.3.0 local error", Step.RCPT, Verdict.TEMPORARY),
        (452, "4.2.2 mailbox full, quota limit exceeded", Step.RCPT, Verdict.TEMPORARY),
        (452, "4.5.3 too many recipients", Step.RCPT, Verdict.TEMPORARY),
        (454, "4.7.0 temporary authentication failure", Step.LOGIN, Verdict.TEMPORARY),
        (499, "whatever", Step.BODY, Verdict.TEMPORARY),
        (530, "5.7.0 authentication required", Step.MAIL, Verdict.ACCOUNT),
        (530, "5.7.57 client not authenticated", Step.MAIL, Verdict.ACCOUNT),
        (534, "5.7.9 application-specific password", Step.LOGIN, Verdict.ACCOUNT),
        (535, "5.7.8 wrong", Step.LOGIN, Verdict.ACCOUNT),
        (538, "5.7.11 encryption required", Step.LOGIN, Verdict.ACCOUNT),
        (550, "5.7.60 SMTP; Client does not have permissions", Step.BODY, Verdict.ACCOUNT),
        (554, "5.2.252 SendAsDenied; a not allowed to send as b", Step.BODY, Verdict.ACCOUNT),
        (550, "5.7.606 access denied, banned sending IP", Step.RCPT, Verdict.PERMANENT),
        (450, "4.7.1 rate limit exceeded", Step.RCPT, Verdict.THROTTLE),
        (451, "4.7.500 server busy, too many messages", Step.MAIL, Verdict.THROTTLE),
        (452, "sending limit reached for today", Step.MAIL, Verdict.THROTTLE),
        (421, "4.7.28 unusual rate of mail", Step.BODY, Verdict.THROTTLE),
        (
            432,
            "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            Step.BODY,
            Verdict.THROTTLE,
        ),
        (550, "5.1.1 unknown", Step.RCPT, Verdict.PERMANENT),
        (552, "5.3.4 too large", Step.BODY, Verdict.PERMANENT),
        (554, "5.7.1 spam", Step.BODY, Verdict.PERMANENT),
        (554, "blocked", Step.GREETING, Verdict.TEMPORARY),
        (503, "bad sequence", Step.LOGIN, Verdict.ACCOUNT),
        (0, "", Step.BODY, Verdict.UNCERTAIN),
    ],
)
def test_the_table(code: int, text: str, step: Step, verdict: Verdict) -> None:
    assert classify_reply(code, text, step) is verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (MailError(Kind.HOST_UNKNOWN, Step.RESOLVE), Verdict.TEMPORARY),
        (MailError(Kind.TLS_EXPIRED, Step.TLS), Verdict.TEMPORARY),
        (MailError(Kind.STARTTLS_MISSING, Step.TLS), Verdict.TEMPORARY),
        (MailError(Kind.LOGIN_UNSUPPORTED, Step.LOGIN), Verdict.ACCOUNT),
        (MailError(Kind.OAUTH_REFUSED, Step.LOGIN, "bad token", 535), Verdict.ACCOUNT),
        (MailError(Kind.TIMEOUT, Step.BODY), Verdict.UNCERTAIN),
    ],
)
def test_errors_of_the_connection(error: MailError, verdict: Verdict) -> None:
    assert classify_error(error) is verdict
