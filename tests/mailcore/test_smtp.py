"""SMTP against real servers: an aiosmtpd sink and Dovecot's submission service."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mailcore.errors import Kind, MailError, Step
from mailcore.server import AuthMethod, Encryption
from mailcore.smtp import Meanwhile, SendReport, SmtpSession, Verdict, open_smtp
from mailcore.smtp_wire import SmtpWire
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import ACCESS_TOKEN, PASSWORD, Sink, deliver_by_lmtp, run_smtp_sink

RAW = b"From: a@example.com\r\nSubject: x\r\n\r\nHallo\r\n.\r\n..zwei\r\nEnde\r\n"
A, B, C = "a@example.com", "b@example.com", "c@example.com"


class Calls:
    """Counts how often before_data was called."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def send(session: SmtpSession, *recipients: str, raw: bytes = RAW) -> SendReport:
    return session.send("absender@example.com", recipients or (A,), raw, before_data=Calls())


def verdicts(report: SendReport) -> dict[str, Verdict]:
    return {reply.address: reply.verdict for reply in report.recipients}


def test_the_bytes_arrive_unchanged_and_the_connection_is_reused(smtp_sink: Sink) -> None:
    before_data = Calls()
    with open_smtp(smtp_sink.login()) as session:
        report = session.send("absender@example.com", [A, B], RAW, before_data=before_data)
        assert (report.verdict, report.step, report.reply_code) == (
            Verdict.ACCEPTED,
            Step.BODY,
            250,
        )
        assert "4711" in report.reply_text
        assert session.is_usable
        assert send(session, C).verdict is Verdict.ACCEPTED
    first, second = smtp_sink.wait_for(2)
    assert first.raw == RAW
    assert (first.envelope_from, first.recipients) == ("absender@example.com", (A, B))
    assert second.recipients == (C,)
    assert before_data.count == 1
    assert smtp_sink.connections == 1


@pytest.mark.parametrize("encryption", list(Encryption))
@pytest.mark.parametrize("auth", list(AuthMethod))
def test_every_encryption_and_login(
    certificates: Certificates, encryption: Encryption, auth: AuthMethod
) -> None:
    certificate = None if encryption is Encryption.NONE else certificates.valid
    with run_smtp_sink(
        encryption=encryption,
        certificate=certificate,
        ca_file=str(certificates.ca_file),
        auth_required=auth is not AuthMethod.NONE,
    ) as sink:
        transcript: list[str] = []
        with open_smtp(sink.login(auth=auth), transcript=transcript) as session:
            assert send(session).verdict is Verdict.ACCEPTED
        (received,) = sink.wait_for(1)
    assert received.is_encrypted == (encryption is not Encryption.NONE)
    assert received.username == ("" if auth is AuthMethod.NONE else "absender@example.com")
    dialogue = "\n".join(transcript)
    assert "C: RCPT TO:<a@example.com>" in dialogue
    assert PASSWORD not in dialogue
    assert ACCESS_TOKEN not in dialogue
    assert "AGFic2VuZGVy" not in dialogue  # the beginning of AUTH PLAIN's argument


def test_wrong_password_is_tried_once(smtp_sink: Sink) -> None:
    transcript: list[str] = []
    with pytest.raises(MailError) as caught:
        open_smtp(smtp_sink.login(password="falsch"), transcript=transcript)
    assert (caught.value.kind, caught.value.step) == (Kind.LOGIN_FAILED, Step.LOGIN)
    assert caught.value.code == 535
    assert sum(line.startswith("C: AUTH") for line in transcript) == 1


def test_wrong_token(smtp_sink: Sink) -> None:
    with pytest.raises(MailError) as caught:
        open_smtp(smtp_sink.login(access_token="alt", auth=AuthMethod.OAUTH))
    assert caught.value.kind is Kind.OAUTH_REFUSED


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("534 5.7.9 Application-specific password required", Kind.LOGIN_NEEDS_APP_PASSWORD),
        ("535 5.7.139 Authentication unsuccessful, basic auth disabled", Kind.LOGIN_NEEDS_OAUTH),
        ("538 5.7.11 Encryption required", Kind.LOGIN_NEEDS_TLS),
        ("454 4.7.0 Temporary authentication failure", Kind.SERVER_BUSY),
        ("454 4.7.0 Too many login attempts, rate limited", Kind.RATE_LIMITED),
    ],
)
def test_why_a_login_is_refused(smtp_sink: Sink, answer: str, kind: Kind) -> None:
    smtp_sink.on_auth = answer
    with pytest.raises(MailError) as caught:
        open_smtp(smtp_sink.login())
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("expired", Kind.TLS_EXPIRED),
        ("wrong_name", Kind.TLS_NAME),
        ("self_signed", Kind.TLS_SELF_SIGNED),
        ("untrusted", Kind.TLS_UNTRUSTED),
    ],
)
@pytest.mark.parametrize("encryption", [Encryption.SSL, Encryption.STARTTLS])
def test_a_bad_certificate_is_named(
    certificates: Certificates, name: str, kind: Kind, encryption: Encryption
) -> None:
    with run_smtp_sink(
        encryption=encryption,
        certificate=getattr(certificates, name),
        ca_file=str(certificates.ca_file),
    ) as sink:
        with pytest.raises(MailError) as caught:
            open_smtp(sink.login())
        assert (caught.value.kind, caught.value.step) == (kind, Step.TLS)
        with open_smtp(replace(sink.login(), verify_certificate=False)) as session:
            assert send(session).verdict is Verdict.ACCEPTED


def test_no_silent_fall_back_to_plain_text(smtp_sink: Sink) -> None:
    with pytest.raises(MailError) as caught:
        open_smtp(replace(smtp_sink.login(), encryption=Encryption.STARTTLS))
    assert caught.value.kind is Kind.STARTTLS_MISSING
    with pytest.raises(MailError) as caught:
        open_smtp(replace(smtp_sink.login(), encryption=Encryption.SSL))
    assert caught.value.kind is Kind.TLS_ON_PLAIN_PORT


def test_nobody_listens_and_no_such_host(smtp_sink: Sink) -> None:
    with run_smtp_sink() as gone:
        login = gone.login()
    with pytest.raises(MailError) as caught:
        open_smtp(login)
    assert (caught.value.kind, caught.value.step) == (Kind.REFUSED, Step.CONNECT)
    with pytest.raises(MailError) as caught:
        open_smtp(replace(login, host="a" * 70 + ".invalid"))
    assert (caught.value.kind, caught.value.step) == (Kind.HOST_UNKNOWN, Step.RESOLVE)


def test_each_recipient_has_its_own_fate(smtp_sink: Sink) -> None:
    smtp_sink.on_recipient = {A: "550 5.1.1 unknown", B: "451 4.3.0 later"}
    with open_smtp(smtp_sink.login()) as session:
        report = send(session, A, B, C)
    assert report.verdict is Verdict.ACCEPTED
    assert verdicts(report) == {
        A: Verdict.PERMANENT,
        B: Verdict.TEMPORARY,
        C: Verdict.ACCEPTED,
    }
    assert (report.recipients[0].code, report.recipients[0].text) == (550, "5.1.1 unknown")
    assert smtp_sink.wait_for(1)[0].recipients == (C,)


def test_no_recipient_accepted_means_no_data(smtp_sink: Sink) -> None:
    smtp_sink.on_recipient = {A: "550 5.1.1 unknown", B: "451 4.3.0 later"}
    before_data = Calls()
    with open_smtp(smtp_sink.login()) as session:
        report = session.send("absender@example.com", [A, B], RAW, before_data=before_data)
        assert (report.verdict, report.step, report.reply_code) == (
            Verdict.TEMPORARY,
            Step.RCPT,
            451,
        )
        assert before_data.count == 0
        assert session.is_usable
        assert send(session, C).verdict is Verdict.ACCEPTED
    assert [message.recipients for message in smtp_sink.wait_for(1)] == [(C,)]


@pytest.mark.parametrize(
    ("phase", "answer", "step", "verdict"),
    [
        ("mail", "550 5.7.60 not allowed to send as this sender", Step.MAIL, Verdict.ACCOUNT),
        ("mail", "452 4.7.1 rate limit exceeded", Step.MAIL, Verdict.THROTTLE),
        ("data", "451 4.3.0 later", Step.DATA, Verdict.TEMPORARY),
        ("data", "554 5.5.1 no", Step.DATA, Verdict.PERMANENT),
        ("body", "554 5.7.1 spam", Step.BODY, Verdict.PERMANENT),
        ("body", "554 5.2.252 SendAsDenied", Step.BODY, Verdict.ACCOUNT),
        ("body", "432 4.3.2 sender thread limit exceeded", Step.BODY, Verdict.THROTTLE),
    ],
)
def test_a_refusal_leaves_the_session_ready(
    smtp_sink: Sink, phase: str, answer: str, step: Step, verdict: Verdict
) -> None:
    with open_smtp(smtp_sink.login()) as session:
        setattr(smtp_sink, f"on_{phase}", answer)
        report = send(session, A, B)
        assert (report.step, report.verdict) == (step, verdict)
        assert set(verdicts(report).values()) == {verdict}
        assert f"{report.reply_code} {report.reply_text}" == answer
        smtp_sink.reset()
        assert session.is_usable
        assert send(session, C).verdict is Verdict.ACCEPTED
    assert [message.recipients for message in smtp_sink.wait_for(1)] == [(C,)]


@pytest.mark.parametrize("how", ["drop_on", "hang_on"])
@pytest.mark.parametrize(
    ("phase", "step", "verdict", "calls"),
    [
        ("mail", Step.MAIL, Verdict.TEMPORARY, 0),
        ("rcpt", Step.RCPT, Verdict.TEMPORARY, 0),
        ("data", Step.DATA, Verdict.TEMPORARY, 1),
        ("body", Step.BODY, Verdict.UNCERTAIN, 1),
    ],
)
def test_a_lost_or_silent_connection(
    smtp_sink: Sink, how: str, phase: str, step: Step, verdict: Verdict, calls: int
) -> None:
    before_data = Calls()
    setattr(smtp_sink, how, phase)
    with open_smtp(smtp_sink.login(timeout=0.3), body_timeout=0.3) as session:
        report = session.send("absender@example.com", [A, B], RAW, before_data=before_data)
        assert (report.step, report.verdict) == (step, verdict)
        assert set(verdicts(report).values()) == {verdict}
        assert before_data.count == calls
        assert not session.is_usable
        again = send(session)
        assert again.verdict is Verdict.TEMPORARY


def test_refused_recipients_stay_refused_when_the_body_is_lost(smtp_sink: Sink) -> None:
    smtp_sink.on_recipient = {A: "550 5.1.1 unknown"}
    smtp_sink.drop_on, smtp_sink.keep_dropped = "body", True
    with open_smtp(smtp_sink.login()) as session:
        report = send(session, A, B)
    assert verdicts(report) == {A: Verdict.PERMANENT, B: Verdict.UNCERTAIN}
    assert report.verdict is Verdict.UNCERTAIN
    assert len(smtp_sink.wait_for(1)) == 1  # it had been accepted: never send this again unasked


def test_what_before_data_raises_comes_through_and_nothing_is_sent(smtp_sink: Sink) -> None:
    def fail() -> None:
        raise RuntimeError("the lease is gone")

    with open_smtp(smtp_sink.login()) as session:
        with pytest.raises(RuntimeError, match="lease"):
            session.send("absender@example.com", [A], RAW, before_data=fail)
        assert session.is_usable
        assert send(session, B).verdict is Verdict.ACCEPTED
    assert [message.recipients for message in smtp_sink.wait_for(1)] == [(B,)]


def test_a_hang_up_between_messages_is_noticed(certificates: Certificates) -> None:
    with run_smtp_sink() as sink:
        session = open_smtp(sink.login())
        before = session.is_usable
    after = session.is_usable
    session.close()
    assert (before, after) == (True, False)


def test_too_large_is_refused_before_sending() -> None:
    with run_smtp_sink(size_limit=1000) as sink, open_smtp(sink.login()) as session:
        assert session.max_size == 1000
        before_data = Calls()
        raw = RAW + b"x" * 1000
        report = session.send("absender@example.com", [A], raw, before_data=before_data)
        assert (report.verdict, report.step) == (Verdict.PERMANENT, Step.MAIL)
        assert "1000" in report.reply_text
        assert before_data.count == 0
        assert send(session).verdict is Verdict.ACCEPTED


def test_null_sender_and_international_addresses(smtp_sink: Sink) -> None:
    with open_smtp(smtp_sink.login()) as session:
        addresses = ["info@straße.de", "jörg@example.com", '"a b"@example.com', "o'brien@x.ie"]
        report = session.send("", addresses, RAW, before_data=Calls())
        assert report.verdict is Verdict.ACCEPTED
    (received,) = smtp_sink.wait_for(1)
    assert received.envelope_from == ""
    assert received.recipients[0] == "info@xn--strae-oqa.de"
    assert received.recipients[1] == "jörg@example.com"
    assert "SMTPUTF8" in received.options


def test_without_smtputf8_only_the_umlaut_address_fails() -> None:
    with run_smtp_sink(smtputf8=False) as sink, open_smtp(sink.login()) as session:
        report = send(session, "jörg@example.com", A)
        assert verdicts(report) == {"jörg@example.com": Verdict.PERMANENT, A: Verdict.ACCEPTED}


@pytest.mark.parametrize("evil", ["a@x.de>\r\nRCPT TO:<b@x.de", "a b@x.de", "<a@x.de>", "nur-name"])
def test_no_command_can_be_smuggled_in(smtp_sink: Sink, evil: str) -> None:
    with open_smtp(smtp_sink.login()) as session:
        report = send(session, evil, A)
        assert verdicts(report) == {evil: Verdict.PERMANENT, A: Verdict.ACCEPTED}
        assert session.send(evil, [A], RAW, before_data=Calls()).verdict is Verdict.PERMANENT
    assert [message.recipients for message in smtp_sink.wait_for(1)] == [(A,)]


@pytest.mark.dovecot
@pytest.mark.parametrize("encryption", list(Encryption))
@pytest.mark.parametrize("auth", [AuthMethod.PASSWORD, AuthMethod.OAUTH])
def test_through_a_real_submission_server_into_a_mailbox(
    dovecot: Dovecot, relay_sink: Sink, mailbox: str, encryption: Encryption, auth: AuthMethod
) -> None:
    relay_sink.deliver_to = deliver_by_lmtp(dovecot.lmtp_port)
    with open_smtp(dovecot.smtp_login("sender@example.com", encryption=encryption, auth=auth)) as s:
        assert s.max_size == 31457280
        report = send(s, mailbox)
    assert report.verdict is Verdict.ACCEPTED
    (raw,) = dovecot.messages(mailbox)
    assert raw.endswith(RAW)


@pytest.mark.dovecot
def test_recipients_refused_behind_the_submission_server(
    dovecot: Dovecot, relay_sink: Sink
) -> None:
    relay_sink.on_recipient = {A: "550 5.1.1 unknown"}
    with open_smtp(dovecot.smtp_login("sender@example.com")) as session:
        report = send(session, A, B)
    assert verdicts(report) == {A: Verdict.PERMANENT, B: Verdict.ACCEPTED}


def test_waiting_for_long_is_used_and_an_alarm_at_the_very_end_disturbs_nothing(
    smtp_sink: Sink,
) -> None:
    async def end_at_once() -> int:
        return 1

    async def wait() -> int:
        await asyncio.sleep(0.01)
        return 2

    used: list[bool] = []
    at_once = Meanwhile(0, lambda: used.append(True))
    wire = SmtpWire(smtp_sink.login(), None)
    assert [wire.run(end_at_once(), at_once), wire.run(wait())] == [1, 2]
    assert used == []
    assert [wire.run(wait(), at_once), wire.run(wait(), at_once)] == [2, 2]
    assert used == [True, True]
    wire.close()
