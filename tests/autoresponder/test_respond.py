from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from autoresponder.models import AnsweredToday, Autoresponder
from autoresponder.respond import Question, Response, respond
from mailaccounts.models import MailAccount
from mailaccounts.own_addresses import own_addresses
from mailcore.automatic import classify
from mailcore.messages import Mailbox
from mailcore.parse import parse
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from mailstore.store import store_message
from outbox.models import OutgoingMessage
from tests.factories import make_account, set_company
from tests.intake.mailbox import make_mail

pytestmark = pytest.mark.django_db


def answering(**values: Any) -> MailAccount:
    account = make_account("info@firma.example", display_name="Firma GmbH")
    Autoresponder.objects.create(
        **{
            "account": account,
            "is_active": True,
            "subject": "Ihre Anfrage {TICKET}: {BETREFF}",
            "text": "Danke für „{BETREFF}“.\nNummer: {TICKET}\n",
            **values,
        }
    )
    return account


def ask(account: MailAccount, number: int = 1, **values: Any) -> Response:
    """The answer to a mail with these headers."""
    received_at = values.pop("received_at", None) or timezone.now()
    raw = make_mail(number, **values)
    parsed = parse(raw)
    own = own_addresses()
    sender = parsed.from_[0] if parsed.from_ else Mailbox("", "")
    question = Question(
        account=account,
        message=store_message(
            raw, direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
        ),
        parsed=parsed,
        classification=classify(parsed, own_addresses=own),
        customer=sender,
        sender=account.email,
        ticket_number="202601010001",
        received_at=received_at,
    )
    return respond(question, own_addresses=own)


def test_the_answer_is_what_rfc_3834_wants() -> None:
    outgoing = ask(answering(), References="<vorher@huber.example>").outgoing
    assert outgoing is not None
    assert outgoing.envelope_from == ""
    assert outgoing.recipients.get().email == "hans@huber.example"
    mail = parse(read_raw(outgoing.message))
    assert mail.subject == "Ihre Anfrage 202601010001: Anfrage 1"
    assert mail.text.splitlines()[:2] == ["Danke für „Anfrage 1“.", "Nummer: 202601010001"]
    assert mail.header("Auto-Submitted") == "auto-replied"
    assert mail.header("X-Auto-Response-Suppress") == "All"
    assert mail.header("Precedence") == "auto_reply"
    assert mail.in_reply_to == ("mail-1@huber.example",)
    assert mail.references == ("vorher@huber.example", "mail-1@huber.example")
    assert str(mail.from_[0]) == "Firma GmbH <info@firma.example>"


def test_our_answer_is_seen_as_automatic_by_ourselves() -> None:
    outgoing = ask(answering()).outgoing
    assert outgoing is not None
    mail = parse(read_raw(outgoing.message))
    assert classify(mail, own_addresses=frozenset()).suppress_reply


def test_once_a_day_for_each_address() -> None:
    account = answering()
    assert ask(account, 1).outgoing is not None
    second = ask(account, 2, sender="HANS@Huber.example")
    assert (second.outgoing, second.suppressed) == (None, "An diese Adresse ging heute schon eine.")
    assert ask(account, 3, sender="eva@huber.example").outgoing is not None
    AnsweredToday.objects.update(day=timezone.localdate() - timedelta(days=1))
    assert ask(account, 4).outgoing is not None
    other = answering_without_limit()
    assert all(ask(other, number).outgoing for number in range(10, 13))


def answering_without_limit() -> MailAccount:
    account = make_account()
    Autoresponder.objects.create(
        account=account, is_active=True, once_a_day=False, subject="Danke", text="Danke"
    )
    return account


def test_asking_again_queues_nothing_again() -> None:
    account = answering(once_a_day=False)
    assert ask(account).outgoing == ask(account).outgoing
    assert OutgoingMessage.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List_Id": "<liste.example>"},
        {"Return_Path": "<>"},
        {"X_Auto_Response_Suppress": "OOF"},
        {"sender": "no-reply@shop.example"},
        {"sender": "MAILER-DAEMON@mx.example"},
        {"sender": "info@firma.example"},
        {"X_Spam_Flag": "YES"},
        {"X_Spam_Status": "Yes, score=7.1 required=5.0"},
    ],
)
def test_never_to_automatic_mail_or_ourselves(headers: dict[str, Any]) -> None:
    response = ask(answering(), **headers)
    assert response.outgoing is None
    assert response.suppressed.endswith(".")
    assert not OutgoingMessage.objects.exists()
    assert not AnsweredToday.objects.exists()


def test_what_a_filter_found_clean_is_answered() -> None:
    assert ask(answering(), X_Spam_Flag="NO", X_Spam_Status="No, score=-1.0").outgoing is not None


def test_never_to_old_mail() -> None:
    account = answering()
    old = timezone.now() - timedelta(hours=24, seconds=1)
    assert "älter als 24 Stunden" in ask(account, received_at=old).suppressed
    assert not OutgoingMessage.objects.exists()


def test_off_is_off_and_the_brake_holds() -> None:
    assert ask(make_account()) == Response()
    set_company(autoresponses_paused=True)
    assert "angehalten" in ask(answering()).suppressed


def test_without_an_account_that_may_send_the_reason_is_told() -> None:
    account = answering()
    account.smtp_enabled = False
    account.save()
    response = ask(account)
    assert response.outgoing is None
    assert "info@firma.example" in response.suppressed
    assert not AnsweredToday.objects.exists()


def test_an_address_that_cannot_be_written_to_leaves_nothing_behind() -> None:
    response = ask(answering(), sender="Kaputt <kein klammeraffe>")
    assert response.outgoing is None
    assert response.suppressed
    assert not AnsweredToday.objects.exists()


def test_a_loop_that_hides_is_stopped_by_counting() -> None:
    account = answering_without_limit()
    responses = [ask(account, number) for number in range(12)]
    assert [response.outgoing is not None for response in responses] == [True] * 10 + [False] * 2
    assert "zu viele" in responses[-1].suppressed
