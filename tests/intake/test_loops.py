"""Machines that answer each other, with everything real between them: IMAP, the outbox, SMTP, LMTP."""

from __future__ import annotations

from collections import Counter

import pytest

from autoresponder.models import Autoresponder
from intake.poll import poll_account
from mailaccounts.models import MailAccount
from mailcore.parse import parse
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.intake.mailbox import make_mail, make_polled_account
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink, deliver_by_lmtp
from tickets.models import Ticket, TicketEvent

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def post(dovecot: Dovecot, smtp_sink: Sink) -> Sink:
    """What is sent by SMTP arrives in the recipient's mailbox."""
    smtp_sink.deliver_to = deliver_by_lmtp(dovecot.lmtp_port)
    return smtp_sink


def answering(dovecot: Dovecot, post: Sink, mailbox: str, **values: bool) -> MailAccount:
    """Polled once, so that what comes now is no backlog; takes no notice of the day."""
    account = make_polled_account(dovecot, mailbox, smtp_port=post.port)
    Autoresponder.objects.create(
        account=account,
        subject="Ihre Anfrage [Ticket#{TICKET}]",
        text="Danke.",
        **{"is_active": True, "once_a_day": False, **values},
    )
    poll_account(account.pk)
    return account


def work(*accounts: MailAccount) -> None:
    """One round of the mail room."""
    for account in accounts:
        poll_account(account.pk)
        deliver_account(account.pk)


def silences() -> Counter[str]:
    texts = TicketEvent.objects.filter(kind="suppressed").values_list("text", flat=True)
    return Counter(text.removeprefix("Keine automatische Antwort: ") for text in texts)


def test_a_foreign_machine_that_hides_is_answered_ten_times(
    dovecot: Dovecot, post: Sink, mailbox: str
) -> None:
    """It sends no sign of being one, changes the subject each time, and answers everything."""
    account = answering(dovecot, post, mailbox)
    customer = f"kunde-{mailbox}"
    dovecot.deliver(mailbox, make_mail(0, sender=customer))
    for number in range(1, 15):
        work(account)
        heard = dovecot.messages(customer)
        if len(heard) == number:
            last = parse(heard[-1])
            reply = {"In_Reply_To": f"<{last.message_id}>", "subject": f"Vorgang {number}"}
            dovecot.deliver(mailbox, make_mail(number, sender=customer, **reply))
    assert len(dovecot.messages(customer)) == 10
    ticket = Ticket.objects.get()
    assert ticket.messages.filter(kind="in").count() == 11
    assert ticket.messages.filter(kind="auto").count() == 10
    assert silences() == {"Diese Adresse bekam in kurzer Zeit zu viele automatische Antworten.": 1}


def test_two_accounts_of_ours_do_not_answer_each_other(
    dovecot: Dovecot, post: Sink, mailbox: str
) -> None:
    """Neither where somebody writes from one to the other, nor where an answer is sent round."""
    other = f"zwei-{mailbox}"
    left, right = answering(dovecot, post, mailbox), answering(dovecot, post, other)
    dovecot.deliver(mailbox, make_mail(1, sender=other))
    dovecot.deliver(other, make_mail(2, sender=mailbox))
    customer = f"kunde-{mailbox}"
    dovecot.deliver(mailbox, make_mail(3, sender=customer))
    for _ in range(3):
        work(left, right)
        for raw in dovecot.messages(customer):  # whose mailbox is forwarded to us
            dovecot.deliver(other, raw)
    (answer,) = dovecot.messages(customer)
    assert OutgoingMessage.objects.get().message.message_id == parse(answer).message_id
    assert Ticket.objects.count() == 3
    assert silences() == {"Der Absender ist eine eigene Adresse.": 2}


def test_the_contact_form_that_writes_as_us_is_the_customer_s(
    dovecot: Dovecot, post: Sink, mailbox: str
) -> None:
    """The handbook's own case: From = our address, Reply-To = the customer; once a day."""
    account = answering(dovecot, post, mailbox, once_a_day=True)
    customer = f"kunde-{mailbox}"
    form = {"sender": f"Kontaktformular <{mailbox}>", "Reply_To": f"Hans Huber <{customer}>"}
    dovecot.deliver(mailbox, make_mail(1, to=mailbox, **form))
    work(account)
    dovecot.deliver(mailbox, make_mail(2, to=mailbox, **form))
    work(account)
    first, second = Ticket.objects.order_by("pk")
    assert [one.customer_email for one in (first, second)] == [customer, customer]
    assert first.customer_name == "Hans Huber"
    (answer,) = dovecot.messages(customer)
    assert parse(answer).subject == f"Ihre Anfrage [Ticket#{first.number}]"
    assert silences() == {"An diese Adresse ging heute schon eine.": 1}
    assert second.events.filter(kind="suppressed").count() == 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"List_Id": "<liste.example>"}, "Die E-Mail kam über eine Mailingliste."),
        (
            {"Auto_Submitted": "auto-replied", "subject": "Abwesenheit: Ihre Anfrage"},
            "Die E-Mail ist eine Abwesenheitsnotiz.",
        ),
        ({"Precedence": "bulk"}, "Die E-Mail wurde automatisch verschickt."),
        ({"sender": "noreply@shop.example"}, "Der Absender nimmt keine Antworten an."),
    ],
)
def test_what_is_automatic_makes_a_ticket_and_gets_no_answer(
    headers: dict[str, str], reason: str, dovecot: Dovecot, post: Sink, mailbox: str
) -> None:
    account = answering(dovecot, post, mailbox)
    dovecot.deliver(mailbox, make_mail(1, **headers))
    work(account)
    assert Ticket.objects.count() == 1
    assert silences() == {reason: 1}
    assert post.received == []
