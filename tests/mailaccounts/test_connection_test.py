"""The connection test against real and scripted servers: what it finds, says, and leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailaccounts.connection_test import (
    ImapTest,
    Outcome,
    SmtpTest,
    TestStep,
    run_stage,
    run_test,
    stage_titles,
)
from mailaccounts.remedies import explain
from mailcore.errors import Kind, Step
from mailcore.server import AuthMethod, Encryption, ServerLogin
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.free_port import free_port
from tests.servers.scripted import imap_script, run_scripted, silence, smtp_script
from tests.servers.smtp_sink import Sink

MAIL = b"From: kunde@example.com\r\nTo: a@example.com\r\nSubject: Hallo\r\n\r\nText\r\n"

IMAP_TITLES = [
    "Servername auflösen",
    "Port erreichbar",
    "Verschlüsselung",
    "Anmeldung",
    "Ordner auflisten",
    "Posteingang lesen",
    "Versendetordner",
]


def outcomes(steps: list[TestStep]) -> str:
    """One letter a step: o(k), w(arning), e(rror), s(kipped)."""
    return "".join(step.outcome[0] for step in steps)


def test_imap_from_name_to_sent_folder(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.deliver(mailbox, MAIL, MAIL.replace(b"Hallo", b"Noch einmal"))
    before = dovecot.flags(mailbox)
    login = dovecot.imap_login(mailbox)
    steps = list(
        run_test(ImapTest(login, since=datetime(2020, 1, 1, tzinfo=UTC), sent_folder="Sent"))
    )
    assert [str(step.title) for step in steps] == IMAP_TITLES
    assert outcomes(steps) == "ooooooo"
    assert steps[5].result == "2 Nachrichten, 2 seit „Ab Datum“"
    assert all(step.milliseconds is not None for step in steps)
    assert dovecot.flags(mailbox) == before == [frozenset(), frozenset()]


def test_only_what_arrived_since_the_date_counts(dovecot: Dovecot, mailbox: str) -> None:
    with dovecot.client(mailbox) as client:
        for age in (400, 3, 0):
            at = datetime.now(UTC) - timedelta(days=age)
            client.append("INBOX", MAIL, (), at)
    test = ImapTest(dovecot.imap_login(mailbox), since=datetime.now(UTC) - timedelta(days=10))
    assert list(run_test(test))[5].result == "3 Nachrichten, 2 seit „Ab Datum“"
    everything = list(run_test(replace(test, since=None)))
    assert everything[5].result == "3 Nachrichten, alle werden abgeholt"
    assert everything[6].outcome is Outcome.SKIPPED


def test_a_missing_sent_folder_is_named_with_the_one_there_is(
    dovecot: Dovecot, mailbox: str
) -> None:
    test = ImapTest(dovecot.imap_login(mailbox), sent_folder="Gesendet")
    steps = list(run_test(test))
    assert outcomes(steps) == "oooooo" + "e"
    assert "„Gesendet“ gibt es nicht" in steps[6].result
    assert "„Sent“" in steps[6].remedy


def test_a_folder_to_poll_that_is_missing(dovecot: Dovecot, mailbox: str) -> None:
    steps = list(run_test(ImapTest(dovecot.imap_login(mailbox), folders=("INBOX", "Nirgends"))))
    assert outcomes(steps) == "oooooes"
    assert "Den Ordner gibt es im Postfach nicht" in steps[5].result


def test_starttls(dovecot: Dovecot, mailbox: str) -> None:
    steps = list(run_test(ImapTest(dovecot.imap_login(mailbox, encryption=Encryption.STARTTLS))))
    assert outcomes(steps) == "oooooos"
    assert steps[2].result == "STARTTLS, Zertifikat gültig"


def test_without_encryption_it_works_and_warns(dovecot: Dovecot, mailbox: str) -> None:
    steps = list(run_test(ImapTest(dovecot.imap_login(mailbox, encryption=Encryption.NONE))))
    assert outcomes(steps) == "oowooos"
    assert "unterwegs lesbar" in steps[2].remedy


def test_a_wrong_password_is_tried_once_and_masked(dovecot: Dovecot, mailbox: str) -> None:
    login = replace(dovecot.imap_login(mailbox), password="falsch-geraten-9")
    steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "oooesss"
    assert "Benutzername oder Passwort stimmt nicht" in steps[3].result
    assert "falsch-geraten-9" not in repr(steps)


def test_a_refusal_that_repeats_the_password_is_masked() -> None:
    script = imap_script(
        {"LOGIN": "{tag} NO [AUTHENTICATIONFAILED] geheim is wrong\r\n"}, capabilities="IMAP4rev1"
    )
    with run_scripted(script) as server:
        steps = list(run_test(ImapTest(server.login())))
        assert sum(" LOGIN " in line for line in server.heard) == 1
    assert outcomes(steps) == "oowesss"
    assert "geheim" not in repr(steps)
    assert "***" in steps[3].detail


def test_an_unknown_host(dovecot: Dovecot, mailbox: str) -> None:
    login = replace(dovecot.imap_login(mailbox), host="gibt-es-nicht.invalid")
    steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "esssss" + "s"
    assert steps[0].result == "Den Servernamen gibt es nicht."
    assert steps[0].remedy


def test_a_port_nobody_listens_on(dovecot: Dovecot, mailbox: str) -> None:
    login = replace(dovecot.imap_login(mailbox), port=free_port())
    steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "oesssss"
    assert "Port stimmt vermutlich nicht" in steps[1].remedy


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("expired", "abgelaufen"),
        ("wrong_name", "anderen Servernamen"),
        ("self_signed", "selbst ausgestellt"),
        ("untrusted", "nicht zu trauen"),
    ],
)
@pytest.mark.parametrize("encryption", [Encryption.SSL, Encryption.STARTTLS])
def test_a_bad_certificate_is_explained(
    certificates: Certificates, name: str, words: str, encryption: Encryption
) -> None:
    with run_dovecot(getattr(certificates, name), certificates.ca_file) as server:
        login = server.imap_login("a@example.com", encryption=encryption)
        steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "ooessss"
    assert words in steps[2].result


def test_starttls_is_not_there() -> None:
    with run_scripted(imap_script()) as server:
        login = replace(server.login(), encryption=Encryption.STARTTLS)
        steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "ooessss"
    assert "bietet STARTTLS nicht an" in steps[2].result
    with run_scripted(smtp_script()) as server:
        login = replace(server.login(), encryption=Encryption.STARTTLS)
        steps = list(run_test(SmtpTest(login, "a@example.com")))
    assert outcomes(steps) == "ooesss"


def test_ssl_on_a_plain_port(dovecot: Dovecot, mailbox: str) -> None:
    login = replace(dovecot.imap_login(mailbox), port=dovecot.imap_port)
    steps = list(run_test(ImapTest(login)))
    assert outcomes(steps) == "ooessss"
    assert "erwartet zunächst keine Verschlüsselung" in steps[2].result


def test_a_silent_server_is_given_up() -> None:
    with run_scripted(silence) as server:
        steps = list(run_test(ImapTest(server.login(timeout=0.3))))
    assert outcomes(steps) == "oowesss"
    assert "sagt aber nichts" in steps[3].result
    assert (steps[3].milliseconds or 0) < 5000


def test_smtp_up_to_the_sender_and_nothing_is_sent(starttls_sink: Sink) -> None:
    steps = list(run_test(SmtpTest(starttls_sink.login(), "absender@example.com")))
    assert outcomes(steps) == "oooooo"
    assert steps[5].result == "absender@example.com wird angenommen"
    assert "geheim" not in repr(steps)
    assert starttls_sink.received == []


def test_a_sender_the_server_does_not_allow(smtp_sink: Sink) -> None:
    smtp_sink.on_mail = "553 5.7.1 not your address"
    steps = list(run_test(SmtpTest(smtp_sink.login(), "fremd@example.com")))
    assert outcomes(steps)[-1] == "e"
    assert "erlaubt diesen Absender nicht" in steps[-1].result
    assert "553" in steps[-1].detail


def test_smtp_without_login() -> None:
    with run_scripted(smtp_script(extensions=("8BITMIME",))) as server:
        login = replace(server.login(), auth=AuthMethod.NONE)
        steps = list(run_test(SmtpTest(login, "a@example.com")))
        assert not any(line.startswith("AUTH") for line in server.heard)
        assert "RSET" in server.heard
        assert not any(line.startswith(("RCPT", "DATA")) for line in server.heard)
    # Without a password, on this machine, there is nothing to encrypt.
    assert outcomes(steps) == "oooo" + "so"
    assert "nicht nötig" in steps[2].result


def test_smtp_wrong_password(starttls_sink: Sink) -> None:
    steps = list(run_test(SmtpTest(starttls_sink.login(password="falsch-7"), "a@example.com")))
    assert outcomes(steps) == "ooooes"
    assert "falsch-7" not in repr(steps)


@pytest.mark.parametrize("make", [ImapTest, lambda login: SmtpTest(login, "a@example.com")])
def test_every_stage_names_its_steps(make: Callable[[ServerLogin], ImapTest | SmtpTest]) -> None:
    """The page shows the next step's title before it knows the step."""
    script = imap_script() if make is ImapTest else smtp_script()
    with run_scripted(script) as server:
        test = make(server.login())
        for stage, titles in enumerate(stage_titles(test)):
            assert [step.title for step in run_stage(test, stage)] == list(titles)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_failure_has_a_remedy(kind: Kind) -> None:
    for step in Step:
        said = explain(kind, step)
        assert said.happened.endswith(".")
        assert said.remedy.endswith((".", ")", "…"))
    assert explain("of-another-version").happened == explain(Kind.SERVER_ERROR).happened
