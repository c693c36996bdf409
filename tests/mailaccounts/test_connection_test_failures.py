"""What the connection test says of every failure met in the field: which step, what happened, what to do."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mailaccounts.connection_test import ImapTest, Outcome, SmtpTest, TestStep, run_test
from mailcore.errors import Kind, MailError, Step
from mailcore.server import AuthMethod, Encryption, ServerLogin, open_socket
from tests.hanging import Hanging
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.free_port import free_port
from tests.servers.scripted import (
    Script,
    drop,
    imap_script,
    run_scripted,
    say_and_drop,
    silence,
    smtp_script,
)

PLAIN_LOGIN = "IMAP4rev1"  # without SASL the LOGIN command is used


@dataclass(frozen=True)
class Case:
    """A server that fails in one way, and what a person is told."""

    name: str
    script: Script
    step: str
    says: str
    remedy: str
    is_smtp: bool = False
    encryption: Encryption = Encryption.NONE
    auth: AuthMethod = AuthMethod.PASSWORD
    sent_folder: str = ""
    folders: tuple[str, ...] = ("INBOX",)


def _imap_login(answer: str) -> Script:
    return imap_script({"LOGIN": answer}, capabilities=PLAIN_LOGIN)


def _smtp(answers: dict[str, Any] | None = None, **values: Any) -> Script:
    return smtp_script(answers, **values)


async def _web_server(peer: Any) -> None:
    await peer.say("HTTP/1.1 400 Bad Request\r\nServer: web\r\n\r\n")
    await silence(peer)


CASES = (
    Case("silent server", silence, "Anmeldung", "sagt aber nichts", "Verschlüsselung"),
    Case("a web server answers", _web_server, "Anmeldung", "ein anderer Dienst", "993 und 143"),
    Case(
        "starttls missing", imap_script(), "Verschlüsselung", "bietet STARTTLS nicht an", "Port 993",
        encryption=Encryption.STARTTLS,
    ),
    Case(
        "tls on a plain port", imap_script(), "Verschlüsselung", "zunächst keine Verschlüsselung",
        "STARTTLS", encryption=Encryption.SSL,
    ),
    Case(
        "wrong password", _imap_login("{tag} NO [AUTHENTICATIONFAILED] invalid\r\n"),
        "Anmeldung", "Benutzername oder Passwort stimmt nicht", "ganze E-Mail-Adresse",
    ),
    Case(
        "password in clear refused", _imap_login("{tag} NO [PRIVACYREQUIRED] use TLS\r\n"),
        "Anmeldung", "nur verschlüsselt", "SSL oder STARTTLS",
    ),
    Case(
        "login disabled before tls", imap_script(capabilities="IMAP4rev1 LOGINDISABLED STARTTLS"),
        "Anmeldung", "nur verschlüsselt", "SSL oder STARTTLS",
    ),
    Case(
        "app password at Gmail",
        _imap_login("{tag} NO [ALERT] Application-specific password required (Failure)\r\n"),
        "Anmeldung", "verlangt ein App-Passwort", "App-Passwort an",
    ),
    Case(
        "oauth at Microsoft",
        _imap_login("{tag} NO Basic Authentication is disabled.\r\n"),
        "Anmeldung", "kein Passwort mehr", "Microsoft 365 OAuth",
    ),
    Case(
        "oauth at Google",
        _imap_login("{tag} NO [WEBLOGINREQUIRED] Web login required\r\n"),
        "Anmeldung", "kein Passwort mehr", "Google OAuth",
    ),
    Case(
        "no token login offered", imap_script(capabilities="IMAP4rev1 AUTH=PLAIN"),
        "Anmeldung", "keine passende Anmeldung", "Stellen Sie die Anmeldung um",
        auth=AuthMethod.OAUTH,
    ),
    Case(
        "token refused",
        imap_script(
            {"AUTHENTICATE": "{tag} NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"},
            capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2",
        ),
        "Anmeldung", "nicht in das Postfach", "freigegebenen Postfach", auth=AuthMethod.OAUTH,
    ),
    Case(
        "hangs up at the login", imap_script({"LOGIN": drop}, capabilities=PLAIN_LOGIN),
        "Anmeldung", "bei der Anmeldung aufgelegt", "Fehlversuchen",
    ),
    Case(
        "login never answered", imap_script({"LOGIN": silence}, capabilities=PLAIN_LOGIN),
        "Anmeldung", "beantwortet die Anmeldung nicht", "einigen Minuten",
    ),
    Case(
        "overloaded", _imap_login("{tag} NO [UNAVAILABLE] Temporary failure\r\n"),
        "Anmeldung", "überlastet", "einigen Minuten",
    ),
    Case(
        "too many connections", _imap_login("{tag} NO [LIMIT] Too many simultaneous connections\r\n"),
        "Anmeldung", "Der Anbieter bremst", "Gleichzeitige Verbindungen",
    ),
    Case(
        "goodbye instead of a greeting",
        imap_script(greeting="* BYE Server shutting down\r\n"),
        "Anmeldung", "sofort wieder aufgelegt", "einigen Minuten",
    ),
    Case(
        "list refused", imap_script({"LIST": "{tag} NO [SERVERBUG] no list\r\n"}),
        "Ordner auflisten", "meldet einen Fehler", "technischen Details",
    ),
    Case(
        "inbox cannot be opened",
        imap_script({"EXAMINE": "{tag} NO [NONEXISTENT] Unknown Mailbox\r\n"}),
        "Posteingang lesen", "Den Ordner gibt es im Postfach nicht", "[Ordner abrufen]",
    ),
    Case(
        "connection lost in the inbox", imap_script({"EXAMINE": drop}),
        "Posteingang lesen", "Verbindung getrennt", "einigen Minuten",
    ),
    Case(
        "sent folder missing", imap_script(), "Versendetordner", "„Gesendet“ gibt es nicht",
        "[Ordner abrufen]", sent_folder="Gesendet",
    ),
    Case(
        "smtp refuses everybody", _smtp(greeting="554 5.7.1 go away\r\n"), "Begrüßung (EHLO)",
        "nimmt von diesem Rechner keine Verbindung an", "Sperrliste", is_smtp=True,
    ),
    Case(
        "smtp is busy", _smtp(greeting="421 4.3.2 try again later\r\n"), "Begrüßung (EHLO)",
        "überlastet", "einigen Minuten", is_smtp=True,
    ),
    Case(
        "smtp is none", imap_script(), "Begrüßung (EHLO)", "ein anderer Dienst", "465, 587 und 25",
        is_smtp=True,
    ),
    Case(
        "smtp wrong password", _smtp({"AUTH": "535 5.7.8 authentication failed\r\n"}),
        "Anmeldung", "Benutzername oder Passwort stimmt nicht", "freischalten", is_smtp=True,
    ),
    Case(
        "smtp password in clear refused",
        _smtp({"AUTH": "530 5.7.0 Must issue a STARTTLS command first\r\n"}),
        "Anmeldung", "nur verschlüsselt", "SSL oder STARTTLS", is_smtp=True,
    ),
    Case(
        "smtp app password",
        _smtp({"AUTH": "534 5.7.9 Application-specific password required\r\n"}),
        "Anmeldung", "verlangt ein App-Passwort", "App-Passwort an", is_smtp=True,
    ),
    Case(
        "smtp oauth",
        _smtp({"AUTH": "535 5.7.139 Authentication unsuccessful, basic auth is disabled\r\n"}),
        "Anmeldung", "kein Passwort mehr", "Microsoft 365 OAuth", is_smtp=True,
    ),
    Case(
        "smtp offers no login", _smtp(extensions=("8BITMIME",)),
        "Anmeldung", "keine passende Anmeldung", "ohne Anmeldung („keine“)", is_smtp=True,
    ),
    Case(
        "smtp sender refused", _smtp({"MAIL": "553 5.7.1 sender not owned by user\r\n"}),
        "Absender", "erlaubt diesen Absender nicht", "Sender E-Mailadresse", is_smtp=True,
    ),
    Case(
        "smtp wants a login", _smtp({"MAIL": "530 5.7.0 Authentication required\r\n"}),
        "Absender", "verlangt eine Anmeldung", "SMTP-Authentifizierung", is_smtp=True,
        auth=AuthMethod.NONE,
    ),
    Case(
        "smtp hangs up at the sender", _smtp({"MAIL": say_and_drop("421 4.4.2 timeout\r\n")}),
        "Absender", "überlastet", "einigen Minuten", is_smtp=True,
    ),
)  # fmt: skip


def run_case(case: Case) -> list[TestStep]:
    with run_scripted(case.script) as server:
        login = replace(server.login(auth=case.auth, timeout=1), encryption=case.encryption)
        if case.is_smtp:
            return list(run_test(SmtpTest(login, "wir@firma.example")))
        test = ImapTest(login, folders=case.folders, sent_folder=case.sent_folder)
        return list(run_test(test))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failure_is_placed_explained_and_remedied(case: Case) -> None:
    steps = run_case(case)
    failed = [step for step in steps if step.outcome is Outcome.FAILED]
    assert [str(step.title) for step in failed] == [case.step], failed
    assert case.says in failed[0].result
    assert case.remedy in failed[0].remedy
    after = steps[steps.index(failed[0]) + 1 :]
    assert {step.outcome for step in after} <= {Outcome.SKIPPED}
    assert "geheim" not in repr(steps)
    assert "token-1" not in repr(steps)


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("name", "says", "remedy"),
    [
        ("expired", "abgelaufen", "Betreiber des Mailservers muss es erneuern"),
        ("wrong_name", "anderen Servernamen", "auf den das Zertifikat lautet"),
        ("self_signed", "selbst ausgestellt", "POSTSTELLE_TLS_CA_FILE"),
        ("untrusted", "nicht zu trauen", "Zertifikatskette"),
    ],
)
def test_certificates_of_a_real_server(
    certificates: Certificates, name: str, says: str, remedy: str
) -> None:
    with run_dovecot(getattr(certificates, name), certificates.ca_file) as server:
        steps = list(run_test(ImapTest(server.imap_login("a@example.com"))))
    assert steps[2].outcome is Outcome.FAILED
    assert says in steps[2].result
    assert remedy in steps[2].remedy


def test_names_and_ports_that_lead_nowhere() -> None:
    login = ServerLogin("gibt-es-nicht.invalid", 993, Encryption.SSL, timeout=5)
    first = next(iter(run_test(ImapTest(login))))
    assert (first.outcome, "gibt es nicht" in first.result) == (Outcome.FAILED, True)
    login = replace(login, host="127.0.0.1", port=free_port())
    port = list(run_test(SmtpTest(login, "a@example.com")))[1]
    assert "weist die Verbindung ab" in port.result
    assert "993 oder 143" in port.remedy


def _mailbox_bytes(dovecot: Dovecot, mailbox: str) -> dict[str, object]:
    """Everything a client could notice: per folder its ids, and per message flags, date and digest."""
    found: dict[str, object] = {}
    with dovecot.client(mailbox) as client:
        for _flags, _delimiter, folder in client.list_folders():
            state = client.select_folder(folder, readonly=True)
            data = client.fetch(client.search(), ["UID", "FLAGS", "INTERNALDATE", "BODY.PEEK[]"])
            found[folder] = (
                state[b"UIDVALIDITY"],
                state[b"UIDNEXT"],
                [
                    (one, m[b"FLAGS"], m[b"INTERNALDATE"], hashlib.sha256(m[b"BODY[]"]).digest())
                    for one, m in sorted(data.items())
                ],
            )
    return found


@pytest.mark.dovecot
@pytest.mark.parametrize("password", ["", "falsch"])
def test_the_mailbox_is_the_same_afterwards(dovecot: Dovecot, mailbox: str, password: str) -> None:
    dovecot.deliver(mailbox, b"Subject: a\r\n\r\nneu\r\n", b"Subject: b\r\n\r\ngelesen\r\n")
    dovecot.append(mailbox, "Sent", [b"Subject: c\r\n\r\nx\r\n"])
    with dovecot.client(mailbox) as client:
        client.select_folder("INBOX")
        client.add_flags([2], [rb"\Seen", rb"\Flagged", b"Kennwort"])
    before = _mailbox_bytes(dovecot, mailbox)
    login = dovecot.imap_login(mailbox)
    login = replace(login, password=password or login.password)
    for _ in range(3):
        list(run_test(ImapTest(login, folders=("INBOX", "Sent"), sent_folder="Sent")))
    assert _mailbox_bytes(dovecot, mailbox) == before
    assert len(before) >= 2


def test_a_name_server_that_never_answers_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    login = ServerLogin("imap.firma.example", 993, Encryption.SSL, timeout=0.3)
    with Hanging() as names:
        monkeypatch.setattr(socket, "getaddrinfo", names.hang)
        with pytest.raises(MailError) as caught:
            open_socket(login)
        assert (caught.value.kind, caught.value.step) == (Kind.TIMEOUT, Step.RESOLVE)
        first = next(iter(run_test(ImapTest(login))))
        names.check_left_alone()
    assert "Namensauskunft antwortet nicht" in first.result
