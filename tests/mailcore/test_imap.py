"""IMAP against a real Dovecot."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailcore.errors import Kind, MailError, Step
from mailcore.imap import MessageInfo, batch_by_bytes, open_imap
from mailcore.server import AuthMethod, Encryption
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot, run_dovecot

pytestmark = pytest.mark.dovecot


def raw(subject: str, size: int = 0) -> bytes:
    body = b"x" * 70 + b"\r\n"
    head = f"Message-ID: <{subject}@example.com>\r\nSubject: {subject}\r\n\r\n".encode()
    return head + body * (size // len(body) + 1)


@pytest.mark.parametrize("encryption", list(Encryption))
@pytest.mark.parametrize("auth", [AuthMethod.PASSWORD, AuthMethod.OAUTH])
def test_logs_in_every_way(
    dovecot: Dovecot, mailbox: str, encryption: Encryption, auth: AuthMethod
) -> None:
    with open_imap(dovecot.imap_login(mailbox, encryption=encryption, auth=auth)) as session:
        assert session.status("INBOX").messages == 0


@pytest.mark.parametrize(
    ("auth", "kind"),
    [(AuthMethod.PASSWORD, Kind.LOGIN_FAILED), (AuthMethod.OAUTH, Kind.OAUTH_REFUSED)],
)
def test_a_refused_login_names_the_reason_and_no_secret(
    dovecot: Dovecot, mailbox: str, auth: AuthMethod, kind: Kind
) -> None:
    login = dovecot.imap_login(mailbox, auth=auth)
    login = replace(login, password="falsch-4711", access_token="falsch-4711")
    assert "falsch-4711" not in repr(login)
    with pytest.raises(MailError) as caught:
        open_imap(login)
    assert (caught.value.kind, caught.value.step) == (kind, Step.LOGIN)
    assert "falsch-4711" not in str(caught.value)


def test_passwords_may_hold_quotes_and_umlauts(certificates: Certificates) -> None:
    passdbs = 'passdb {\n  driver = static\n  args = password=pä"ss\\wort\n}\n'
    with run_dovecot(certificates.valid, certificates.ca_file, passdbs=passdbs) as server:
        login = replace(server.imap_login("a@example.com"), password='pä"ss\\wort')
        with open_imap(login) as session:
            assert session.status("INBOX").messages == 0


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
    with run_dovecot(getattr(certificates, name), certificates.ca_file) as server:
        login = server.imap_login("a@example.com", encryption=encryption)
        with pytest.raises(MailError) as caught:
            open_imap(login)
        assert (caught.value.kind, caught.value.step) == (kind, Step.TLS)
        with open_imap(replace(login, verify_certificate=False)) as session:
            assert session.status("INBOX").messages == 0


def test_tls_on_a_plain_port(dovecot: Dovecot, mailbox: str) -> None:
    login = replace(dovecot.imap_login(mailbox), port=dovecot.imap_port)
    with pytest.raises(MailError) as caught:
        open_imap(login)
    assert caught.value.kind is Kind.TLS_ON_PLAIN_PORT


def test_another_protocol_answers(dovecot: Dovecot, mailbox: str) -> None:
    login = dovecot.imap_login(mailbox, encryption=Encryption.NONE)
    with pytest.raises(MailError) as caught:
        open_imap(replace(login, port=dovecot.submission_port))
    assert (caught.value.kind, caught.value.step) == (Kind.NOT_THIS_PROTOCOL, Step.GREETING)


def test_folders_are_decoded_and_special_ones_known(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "Aufträge & Größen", [raw("a")])
    with open_imap(dovecot.imap_login(mailbox)) as session:
        folders = {folder.name: folder for folder in session.folders()}
        assert session.status("Aufträge & Größen").messages == 1
    assert {"INBOX", "Aufträge & Größen"} <= set(folders)
    assert folders["Sent"].special_use == "\\Sent"
    assert folders["INBOX"].is_selectable
    assert folders["INBOX"].delimiter == "/"


def test_a_missing_folder(dovecot: Dovecot, mailbox: str) -> None:
    with open_imap(dovecot.imap_login(mailbox)) as session:
        for action in (
            lambda: session.status("Nirgends"),
            lambda: session.select("Nirgends"),
            lambda: session.append("Nirgends", raw("a")),
        ):
            with pytest.raises(MailError) as caught:
                action()
            assert caught.value.kind is Kind.FOLDER_MISSING
        assert session.is_usable
        assert session.select("INBOX").messages == 0


def test_new_messages_by_uid_and_flags_stay(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "INBOX", [raw(str(n)) for n in range(5)])
    with open_imap(dovecot.imap_login(mailbox)) as session:
        assert session.select("INBOX").uidnext == 6
        assert [info.uid for info in session.list_new(2, 100)] == [3, 4, 5]
        assert [info.uid for info in session.list_new(0, 2)] == [1, 2]
        # The server answers 6:* with the last message, 5.
        assert session.list_new(5, 100) == ()
        assert [info.size for info in session.list_new(4, 10)] == [len(raw("4"))]
        assert dict(session.fetch([5, 1, 99])) == {1: raw("0"), 5: raw("4")}
        assert session.fetch_headers(2).startswith(b"Message-ID: <1@example.com>")
        with pytest.raises(MailError):
            session.fetch_headers(99)
    assert dovecot.flags(mailbox) == [frozenset()] * 5


def test_large_gaps_between_uids(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "INBOX", [raw(str(n)) for n in range(40)])
    with open_imap(dovecot.imap_login(mailbox)) as session:
        session.select("INBOX", readonly=False)
        assert session.delete([uid for uid in range(1, 40) if uid not in (2, 30, 31)])
        session.select("INBOX")
        assert [info.uid for info in session.list_new(0, 2)] == [2, 30]
        assert [info.uid for info in session.list_new(2, 2)] == [30, 31]
        assert [info.uid for info in session.list_new(31, 2)] == [40]


def test_messages_since_a_day(dovecot: Dovecot, mailbox: str) -> None:
    now = datetime.now(UTC)
    with open_imap(dovecot.imap_login(mailbox)) as session:
        for days in (10, 3, 0):
            uid = session.append("INBOX", raw(str(days)), internaldate=now - timedelta(days=days))
            assert uid is not None
        session.select("INBOX")
        found = session.uids_since((now - timedelta(days=2)).date())
        assert found == (2, 3)  # a day earlier than asked for, the rest is INTERNALDATE's
        dates = [info.internaldate for info in session.describe(found)]
    ages = [round((now - date) / timedelta(days=1), 3) for date in dates]
    assert ages == [3, 0]


def test_filing_is_found_again_by_message_id(dovecot: Dovecot, mailbox: str) -> None:
    with open_imap(dovecot.imap_login(mailbox)) as session:
        assert session.find_message_id("Sent", "gesendet@example.com") == ()
        uid = session.append("Sent", raw("gesendet"))
        assert session.find_message_id("Sent", "<gesendet@example.com>") == (uid,)
        assert session.find_message_id("Sent", 'x" OR ALL "y') == ()
        assert session.find_message_id("Sent", "a\r\nb") == ()
    assert dovecot.messages(mailbox, "Sent") == [raw("gesendet")]
    assert dovecot.flags(mailbox, "Sent") == [frozenset({"\\Seen"})]


def test_deleting_takes_exactly_these(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "INBOX", [raw(str(n)) for n in range(4)])
    with dovecot.client(mailbox) as other:
        other.select_folder("INBOX")
        other.add_flags([4], ["\\Deleted"])  # another program's, not ours to expunge
    with open_imap(dovecot.imap_login(mailbox)) as session:
        session.select("INBOX", readonly=False)
        assert session.delete([1, 3])
    assert dovecot.messages(mailbox) == [raw("1"), raw("3")]


def test_read_only_means_it(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "INBOX", [raw("a")])
    with open_imap(dovecot.imap_login(mailbox)) as session:
        session.select("INBOX")
        with pytest.raises(MailError) as caught:
            session.delete([1])
        assert caught.value.step is Step.STORE
    assert dovecot.flags(mailbox) == [frozenset()]


@pytest.mark.parametrize("encryption", [Encryption.SSL, Encryption.NONE])
def test_idle_tells_of_a_message(dovecot: Dovecot, mailbox: str, encryption: Encryption) -> None:
    with open_imap(dovecot.imap_login(mailbox, encryption=encryption)) as session:
        session.select("INBOX")
        session.idle_start()
        assert session.fileno() > 0
        assert not session.idle_wait(0.05)
        sender = threading.Thread(target=dovecot.deliver, args=(mailbox, raw("a")))
        sender.start()
        assert session.idle_wait(10)
        sender.join()
        assert not session.idle_stop()
        assert session.status("INBOX").messages == 1


def test_idle_ignores_flags(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "INBOX", [raw("a")])
    with open_imap(dovecot.imap_login(mailbox)) as session, dovecot.client(mailbox) as other:
        session.select("INBOX")
        session.idle_start()
        other.select_folder("INBOX")
        other.add_flags([1], ["\\Flagged"])
        assert not session.idle_wait(1.2)  # Dovecot announces within 0.5 s
        assert not session.idle_stop()


def test_a_new_uidvalidity_is_seen(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, "Projekte", [raw("a"), raw("b")])
    with open_imap(dovecot.imap_login(mailbox)) as session:
        before = session.status("Projekte")
        dovecot.renumber(mailbox, "Projekte")
        after = session.select("Projekte")
    assert before.uidvalidity != after.uidvalidity
    assert before.messages == after.messages == 2


def test_batches_are_bounded_by_bytes() -> None:
    infos = [MessageInfo(uid, size, datetime.now(UTC)) for uid, size in enumerate((5, 5, 99, 1, 1))]
    groups = batch_by_bytes(infos, max_bytes=10, max_messages=2)
    assert [[info.size for info in group] for group in groups] == [[5, 5], [99], [1, 1]]
