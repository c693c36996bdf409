"""Two machines that answer each other, and storms of bounces: both come to rest by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from autoresponder import limits
from autoresponder.models import Autoresponder
from intake.models import FolderCursor, IntakeItem
from intake.poll_run import PollRun
from intake.read_group import Fetched
from intake.receive import receive_group
from mailaccounts.models import MailAccount, MailFolder
from mailcore.parse import parse
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from mailstore.store import store_message
from outbox.models import OutgoingMessage, Recipient
from tests.factories import make_account
from tests.intake.mailbox import make_mail
from tickets.models import Ticket, TicketEvent

pytestmark = pytest.mark.django_db(transaction=True)
SUPPRESSED = TicketEvent.Kind.SUPPRESSED


def answering(email: str, **values: Any) -> MailAccount:
    account = make_account(email, **{"tickets_enabled": True, **values})
    Autoresponder.objects.create(
        account=account,
        is_active=True,
        once_a_day=False,
        subject="Ihre Anfrage: {BETREFF}",
        text="Danke.",
    )
    return account


def receive(account: MailAccount, *mails: bytes) -> None:
    """As a poll takes over mail that came this minute into a mailbox known for long."""
    folder, _ = MailFolder.objects.get_or_create(account=account, name="INBOX")
    FolderCursor.objects.get_or_create(
        folder=folder,
        defaults={"uidvalidity": 1, "started_at": timezone.now() - timedelta(days=9)},
    )
    first = IntakeItem.objects.filter(folder=folder).count() + 1
    items = IntakeItem.objects.bulk_create(
        IntakeItem(
            account=account,
            folder=folder,
            uidvalidity=1,
            uid=first + number,
            size=len(raw),
            attempts=1,
            internal_date=timezone.now(),
        )
        for number, raw in enumerate(mails)
    )
    group = [Fetched(item, raw) for item, raw in zip(items, mails, strict=True)]
    for start in range(0, len(group), 50):
        receive_group(group[start : start + 50], folder=folder, run=PollRun(account, owner=""))
    assert not IntakeItem.objects.exclude(state="done").exists()


def play(account: MailAccount, reply: Callable[[int, bytes], bytes], rounds: int) -> int:
    """The other side answers every automatic answer; returns how many rounds there were."""
    receive(account, make_mail(0, subject="Bestellung"))
    for number in range(1, rounds):
        answer = OutgoingMessage.objects.filter(account=account).order_by("-pk").first()
        if answer is None or OutgoingMessage.objects.count() < number:
            return number
        receive(account, reply(number, read_raw(answer.message)))
    return rounds


def test_a_responder_that_says_what_it_is_is_not_answered() -> None:
    account = answering("info@firma.example")

    def honest(number: int, answer: bytes) -> bytes:
        subject = parse(answer).subject
        return make_mail(number, subject=f"AW: {subject}", Auto_Submitted="auto-replied")

    assert play(account, honest, 10) == 2
    assert OutgoingMessage.objects.count() == 1
    assert TicketEvent.objects.filter(kind=SUPPRESSED).count() == 1


def test_a_responder_that_hides_stops_when_the_subject_repeats() -> None:
    account = answering("info@firma.example")

    def hiding(number: int, answer: bytes) -> bytes:
        return make_mail(number, subject="Re: AW: Bestellung", In_Reply_To=_id(answer))

    assert play(account, hiding, 10) == 2
    assert OutgoingMessage.objects.count() == 1
    event = TicketEvent.objects.get(kind=SUPPRESSED)
    assert "demselben Betreff" in event.text


def test_a_responder_that_hides_and_varies_is_stopped_by_counting_in_the_ticket() -> None:
    account = answering("info@firma.example")

    def varying(number: int, answer: bytes) -> bytes:
        return make_mail(number, subject=f"Vorgang {number}", In_Reply_To=_id(answer))

    assert play(account, varying, 30) == 11
    assert OutgoingMessage.objects.count() == 10
    ticket = Ticket.objects.get()
    (event,) = ticket.events.filter(kind=SUPPRESSED)
    assert "zu viele" in event.text


def _id(raw: bytes) -> str:
    return f"<{parse(raw).message_id}>"


def test_new_tickets_each_time_are_stopped_by_counting_in_all() -> None:
    account = answering("info@firma.example")
    receive(account, *(make_mail(number) for number in range(40)))
    assert Ticket.objects.count() == 40
    assert OutgoingMessage.objects.count() == 30
    assert TicketEvent.objects.filter(kind=SUPPRESSED).count() == 10


def test_a_storm_of_a_thousand_bounces_gets_no_answer() -> None:
    account = answering("info@firma.example")
    receive(account, make_mail(5000))
    answer = OutgoingMessage.objects.get()  # the account does answer people
    OutgoingMessage.objects.update(state="sent", sent_at=answer.created_at, next_attempt_at=None)

    storm = [_bounce(number, answer.message.message_id) for number in range(1000)]
    receive(account, *storm)

    assert OutgoingMessage.objects.count() == 1
    ticket = Ticket.objects.get(subject="Anfrage 5000")
    assert ticket.messages.filter(kind="in").count() == 1 + 400, "those about our answer join it"
    assert Ticket.objects.count() == 1 + 600, "and only those"
    assert OutgoingMessage.objects.get().state == OutgoingMessage.State.BOUNCED
    reasons = TicketEvent.objects.filter(kind=SUPPRESSED).values_list("text", flat=True)
    assert Counter(reasons) == {
        "Keine automatische Antwort: Die E-Mail ist eine Unzustellbarkeitsmeldung.": 800,
        "Keine automatische Antwort: Die E-Mail wurde automatisch verschickt.": 200,
    }


def _bounce(number: int, sent: str) -> bytes:
    """What servers send: reports and free words, about our answer and about others' mail."""
    match number % 5:
        case 0:
            return _report(number, b"hans@huber.example", b"Message-ID: <%b>" % sent.encode())
        case 1:
            return _report(number, b"weg%d@kunde.example" % number, b"Subject: Angebot")
        case 2:
            return _free_form(number, "hans@huber.example")
        case 3:
            return _free_form(number, f"weg{number}@kunde.example")
    return make_mail(number, sender=f"hans{number}@kunde.example", Return_Path="<>")


def _report(number: int, recipient: bytes, original: bytes) -> bytes:
    return (
        b"From: Mail Delivery System <MAILER-DAEMON@mx%d.example>\r\nTo: info@firma.example\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <dsn%d@mx.example>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;"
        b' boundary="g"\r\n\r\n--g\r\n\r\nUser unknown\r\n--g\r\nContent-Type: '
        b"message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; %b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--g\r\nContent-Type: text/rfc822-headers\r\n\r\n%b\r\n\r\n--g--\r\n"
        % (number, number, recipient, original)
    )


def _free_form(number: int, recipient: str) -> bytes:
    return make_mail(
        number,
        sender="Postmaster <postmaster@kunde.example>",
        subject="Unzustellbar: Ihre Anfrage",
        text=f"Ihre Nachricht Nr. {number} an <{recipient}> konnte nicht zugestellt werden:\n"
        "550 5.1.1 Benutzer unbekannt",
    )


@pytest.mark.parametrize(
    ("minutes", "count"), [(10, 10), (30, 15), (60, 25), (180, 50), (600, 100)]
)
def test_the_limits_for_a_ticket(minutes: int, count: int) -> None:
    account, message = make_account(), stored(make_mail())

    def is_stopped(answers: int, ago: int) -> bool:
        times = [timezone.now() - timedelta(minutes=ago)] * answers
        return bool(
            limits.reason_to_stop(
                account=account, email="hans@huber.example", message=message, ticket_answers=times
            )
        )

    assert is_stopped(count, minutes - 1)
    assert not is_stopped(count - 1, minutes - 1)
    assert not is_stopped(count, minutes + 1), "the next window allows more"


@pytest.mark.parametrize(
    ("minutes", "count"), [(10, 30), (30, 60), (60, 120), (180, 240), (600, 360)]
)
def test_the_limits_for_an_address_in_all(minutes: int, count: int) -> None:
    """Over all accounts, each answer in a ticket of its own and about something else."""
    account, other = make_account(), make_account()
    message, answer = stored(make_mail(1)), stored(make_mail(2))

    def answered(number: int, ago: int) -> None:
        values = StoredMessage.objects.values().get(pk=answer.pk) | {"id": None}
        copies = StoredMessage.objects.bulk_create(
            StoredMessage(**values | {"sha256": f"{one:064d}"}) for one in range(number)
        )
        outgoing = OutgoingMessage.objects.bulk_create(
            OutgoingMessage(
                account=other,
                message=copies[one],
                origin=OutgoingMessage.Origin.AUTORESPONSE,
                once_key=f"autoresponse:{other.pk}:{10_000 + one}",
                state=OutgoingMessage.State.SENT,
                sent_at=timezone.now(),
            )
            for one in range(number)
        )
        Recipient.objects.bulk_create(
            Recipient(outgoing=one, email="Hans@Huber.example", kind="to") for one in outgoing
        )
        OutgoingMessage.objects.update(created_at=timezone.now() - timedelta(minutes=ago))

    def is_stopped() -> bool:
        return bool(
            limits.reason_to_stop(
                account=account, email="hans@huber.example", message=message, ticket_answers=[]
            )
        )

    answered(count, minutes - 1)
    assert is_stopped()
    OutgoingMessage.objects.update(created_at=timezone.now() - timedelta(minutes=minutes + 1))
    assert not is_stopped(), "the next window allows more"
    OutgoingMessage.objects.update(created_at=timezone.now() - timedelta(minutes=minutes - 1))
    Recipient.objects.filter(outgoing=OutgoingMessage.objects.first()).delete()
    assert not is_stopped(), "one less"


def stored(raw: bytes) -> StoredMessage:
    return store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
    )
