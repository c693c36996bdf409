"""The table of mail-rules 5, row by row: reply code × phase × recipients, and what the screen says."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mailaccounts.models import MailAccount
from mailcore.server import Encryption
from mailcore.smtp import open_smtp
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_user
from tests.outbox.outgoing import (
    fresh,
    let_time_pass,
    make_draft,
    minutes_ahead,
    out_link,
    queue,
    states,
)
from tests.outbox.reply_rows import (
    ANNA,
    BASIC,
    BERND,
    BUSY,
    ROWS,
    Row,
    U,
    lost,
)
from tests.servers.certificates import Certificates
from tests.servers.free_port import free_port
from tests.servers.scripted import (
    Answer,
    Peer,
    Script,
    ScriptedServer,
    run_scripted,
    smtp_script,
)
from tests.servers.smtp_sink import run_smtp_sink

pytestmark = pytest.mark.django_db


def _script(row: Row) -> Script:
    """The row at the first connection; whoever comes again is served well."""

    async def rcpt(peer: Peer) -> None:
        address = peer.heard[-1].partition("<")[2].partition(">")[0]
        await peer.say(f"{row.by_person[address] or '250 ok'}\r\n")

    answers: dict[str, Answer] = {"RCPT": rcpt} if row.by_person else {}
    scripts = [smtp_script(answers | row.answers, greeting=row.greeting, extensions=BASIC)]

    async def script(peer: Peer) -> None:
        await (scripts.pop() if scripts else smtp_script())(peer)

    return script


@pytest.fixture(autouse=True)
def short_patience(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SERVER_TIMEOUT = 0.3
    impatient = functools.partial(open_smtp, body_timeout=0.3)
    monkeypatch.setattr("mailaccounts.connect.open_smtp", impatient)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(row: Row, client: Client) -> None:
    with run_scripted(_script(row)) as server:
        account = make_account("support@firma.example", smtp_port=server.port, smtp_auth="password")
        outgoing = queue(account, draft=make_draft(ANNA, BERND))
        deliver_account(account.pk)
        _check(row, outgoing, account)
        _check_page(row, outgoing, client)
        already = len(server.heard)
        assert _next_recipients(account, server, already) == sorted(row.retried)


def _check(row: Row, outgoing: OutgoingMessage, account: MailAccount) -> None:
    after = fresh(outgoing)
    assert after.state == row.state, after.last_reply
    assert states(outgoing) == {ANNA: row.anna, BERND: row.bernd}
    assert after.attempts_made == row.counts
    assert after.attempts.count() == 1
    assert after.claimed_until is None
    if row.wait is not None:
        assert minutes_ahead(outgoing) == row.wait
    elif row.state != U:
        assert after.next_attempt_at is None
    link = out_link(account)
    assert link.state == row.link
    if row.held is not None:
        assert link.next_attempt_at
        assert after.next_attempt_at
        assert abs((link.next_attempt_at - after.next_attempt_at).total_seconds()) < 60 * row.held


def _check_page(row: Row, outgoing: OutgoingMessage, client: Client) -> None:
    client.force_login(make_user())
    page = client.get(reverse("outbox:state", args=[outgoing.pk])).content.decode()
    assert row.text in page
    wants_decision = "Als gesendet markieren" in page
    assert wants_decision is (row.state == U)


def _next_recipients(account: MailAccount, server: ScriptedServer, already: int) -> list[str]:
    """Who is tried once everything that had to be waited for is over."""
    let_time_pass(account)
    deliver_account(account.pk)
    heard = [line for line in server.heard[already:] if line.startswith("RCPT")]
    return sorted(line.partition("<")[2].rstrip(">") for line in heard)


@contextmanager
def _unreachable(kind: str, certificates: Certificates) -> Iterator[dict[str, Any]]:
    """The account's server, in one of the ways in which there is none."""
    if kind == "no name":
        yield {"smtp_host": "gibt-es-nicht.invalid"}
    elif kind == "nobody listens":
        yield {"smtp_port": free_port()}
    elif kind == "STARTTLS not offered":
        with run_scripted(smtp_script()) as server:
            yield {"smtp_port": server.port, "smtp_encryption": "starttls"}
    elif kind == "STARTTLS refused":
        script = smtp_script({"STARTTLS": "454 4.7.0 not now\r\n"}, extensions=("STARTTLS",))
        with run_scripted(script) as server:
            yield {"smtp_port": server.port, "smtp_encryption": "starttls"}
    elif kind == "TLS on a plain port":
        with run_scripted(smtp_script()) as server:
            yield {"smtp_port": server.port, "smtp_encryption": "ssl"}
    else:
        certificate = getattr(certificates, kind.replace(" ", "_"))
        with run_smtp_sink(encryption=Encryption.STARTTLS, certificate=certificate) as sink:
            yield {"smtp_host": "localhost", "smtp_port": sink.port, "smtp_encryption": "starttls"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("no name", "Den Servernamen gibt es nicht"),
        ("nobody listens", "weist die Verbindung ab"),
        ("STARTTLS not offered", "bietet STARTTLS nicht an"),
        ("STARTTLS refused", BUSY),
        ("TLS on a plain port", "keine Verschlüsselung"),
        ("expired", "Zertifikat des Servers ist abgelaufen"),
        ("wrong name", "anderen Servernamen"),
        ("self signed", "selbst ausgestellt"),
        ("untrusted", "nicht zu trauen"),
    ],
)
def test_no_connection(
    kind: str,
    text: str,
    certificates: Certificates,
    client: Client,
    settings: Any,
) -> None:
    settings.TLS_CA_FILE = str(certificates.ca_file)
    row = lost(kind, {}, text)
    with _unreachable(kind, certificates) as values:
        account = make_account("support@firma.example", **values)
        outgoing = queue(account, draft=make_draft(ANNA, BERND))
        deliver_account(account.pk)
    _check(row, outgoing, account)
    _check_page(row, outgoing, client)
    assert out_link(account).failures == 1
