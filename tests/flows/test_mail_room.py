"""The whole way, from a provisioning file, against real servers: in, ticket, answer, Sent, answer back."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from mailcore.parse import parse
from poststelle.demo.mails import first_mails
from tests.flows.installation import KINDS, Installation, installed, wait_until
from tests.flows.provisioning import account, company_file
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

EML = Path(__file__).parents[1] / "eml"

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


def customer_mail(
    message_id: str, subject: str, *, answers: str = "", text: str = "Hallo"
) -> bytes:
    message = EmailMessage()
    message["From"] = "Hans Huber <hans@kunden.example>"
    message["To"] = "support@example.com"
    message["Subject"] = subject
    message["Message-ID"] = f"<{message_id}>"
    if answers:
        message["In-Reply-To"] = f"<{answers}>"
    message.set_content(text)
    return message.as_bytes()


def two_hundred_mails() -> list[bytes]:
    """Mails of all shapes: the hard cases of tests/eml, the demo's, and plain ones up to 200."""
    hard = [
        file.read_bytes().replace(b"<1@kunde.example>", f"<hard-{number}@kunde.example>".encode())
        for number, file in enumerate(sorted(EML.glob("*.eml")))
        if file.stat().st_size
    ]
    demo = [mail.raw for mail in first_mails()]
    mails = (hard[:130] + demo)[:150]
    plain = [
        customer_mail(f"plain-{n}@kunden.example", f"Anfrage {n}") for n in range(200 - len(mails))
    ]
    return mails + plain


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_mails_and_an_answer(
    kind: str, tmp_path: Path, dovecot: Dovecot, smtp_sink: Sink
) -> None:
    user = f"room-{kind}@example.com"
    dovecot.append(user, "INBOX", two_hundred_mails())
    on_server = dovecot.messages(user)
    assert len(on_server) == 200
    expected = sorted(parse(raw).message_id for raw in set(on_server))
    with installed(kind, tmp_path) as installation:
        installation.provision(company_file(dovecot, smtp_sink, support=user))
        installation.start()
        wait_until(
            lambda: (
                len(installation.ask("received")["message_ids"]) >= len(expected)
                and not installation.ask("received")["open"]
            ),
            seconds=60,
            what=f"200 mails are tickets\n{installation.log_end()}",
        )
        received = installation.ask("received")
        assert received["bad"] == []
        assert received["empty_tickets"] == []
        assert sorted(received["message_ids"]) == expected
        answer_comes_back(installation, dovecot, smtp_sink, user)


def answer_comes_back(installation: Installation, dovecot: Dovecot, sink: Sink, user: str) -> None:
    """A reply leaves through the account, stands in Sent once; the customer's answer joins it."""
    dovecot.deliver(user, customer_mail("question@kunden.example", "Wo bleibt die Ware?"))
    number = arrived_in(installation, "question@kunden.example")
    answer = installation.ask("answer_tickets", "1", "hans@kunden.example", "answer")
    assert answer["tickets"] == [number]
    (reply,) = sink.wait_for(1, seconds=30)
    assert reply.envelope_from == user
    assert reply.username == user
    assert reply.recipients == ("hans@kunden.example",)
    (reply_id,) = answer["message_ids"]
    assert parse(reply.raw).message_id == reply_id
    assert "question@kunden.example" in parse(reply.raw).in_reply_to
    wait_until(
        lambda: "Sent" in folders(dovecot, user) and bool(dovecot.messages(user, "Sent")),
        seconds=30,
        what="a copy in Sent",
    )
    assert [parse(raw).message_id for raw in dovecot.messages(user, "Sent")] == [reply_id]
    back = customer_mail("back@kunden.example", "AW: ganz anderer Betreff", answers=reply_id)
    dovecot.deliver(user, back)
    assert arrived_in(installation, "back@kunden.example") == number
    shown = installation.ask("conversation", number)
    assert shown["messages"] == [
        "in question@kunden.example",
        f"out {reply_id}",
        "in back@kunden.example",
    ]
    assert shown["ticket"] == ["offen", "Support", "NORD – Nord"]
    assert len(sink.received) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_since_date_closed_and_delete_on_server(
    kind: str, tmp_path: Path, dovecot: Dovecot, smtp_sink: Sink
) -> None:
    late, closed, cleared = (f"{name}-{kind}@example.com" for name in ("late", "closed", "cleared"))
    for user in (late, closed, cleared):
        dovecot.deliver(user, customer_mail(f"{user}-1", "Eins"))
    text = company_file(dovecot, smtp_sink, support=f"default-{kind}@example.com")
    text += account(dovecot, smtp_sink, late, since="2999-01-01")
    text += account(dovecot, smtp_sink, closed, tickets="close_tickets = true")
    text += account(dovecot, smtp_sink, cleared, tickets="delete_on_server = true")
    with installed(kind, tmp_path) as installation:
        installation.provision(text)
        installation.start()
        number = arrived_in(installation, f"{closed}-1")
        assert installation.ask("conversation", number)["ticket"][0] == "abgeschlossen"
        arrived_in(installation, f"{cleared}-1")
        wait_until(lambda: not dovecot.messages(cleared), seconds=30, what="deleted on the server")
        assert installation.ask("ticket_of", f"{late}-1")["numbers"] == []
        assert len(dovecot.messages(late)) == 1
        assert len(dovecot.messages(closed)) == 1
        assert dovecot.flags(closed) == [frozenset()]


def arrived_in(installation: Installation, message_id: str) -> str:
    """The number of the one ticket the mail is in, as soon as it is."""
    wait_until(
        lambda: bool(installation.ask("ticket_of", message_id)["numbers"]),
        seconds=60,
        what=f"{message_id} is in a ticket\n{installation.log_end()}",
    )
    (number,) = installation.ask("ticket_of", message_id)["numbers"]
    return number


def folders(dovecot: Dovecot, user: str) -> list[str]:
    with dovecot.client(user) as client:
        return [name for _flags, _delimiter, name in client.list_folders()]
