"""A mail goes out, is accepted and comes back days later: everybody who must know does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import BouncedEmail, Notification, User
from crm.tell_failures import tell_failures
from documents.release import release
from documents.settle import settle_dispatches
from intake.poll import poll_account
from mailaccounts.models import MailAccount
from mailstore.read import read_raw
from outbox.deliver import deliver_account
from outbox.mail_notices import mail_notices
from outbox.mark_bounced import mark_bounced
from outbox.models import OutgoingMessage
from tests.crm.world import make_customer
from tests.documents.sending import HANS as HANS_HUBER
from tests.documents.sending import Office, make_office, send, state_of
from tests.factories import make_account, make_document, make_user
from tests.intake.mailbox import make_mail
from tests.intake.test_answers import delivery_report
from tests.outbox.outgoing import fresh, let_time_pass, states
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink
from tickets.models import Ticket, TicketEvent
from tickets.note_failures import note_failures

pytestmark = [pytest.mark.django_db, pytest.mark.dovecot]

HANS = "hans@huber.example"


@pytest.fixture
def account(dovecot: Dovecot, mailbox: str, smtp_sink: Sink) -> MailAccount:
    return make_account(
        mailbox,
        imap_host="127.0.0.1",
        imap_port=dovecot.imap_port,
        smtp_port=smtp_sink.port,
        tickets_enabled=True,
    )


@pytest.fixture
def petra(client: Client) -> User:
    user = make_user("petra", role="staff", undo_seconds=0)
    client.force_login(user)
    return user


def _answer(client: Client, ticket: Ticket) -> OutgoingMessage:
    """Through the composer, as a person does it."""
    url = reverse("tickets:reply", args=[ticket.number])
    form = client.get(url).context["composer"].form
    values = {name: str(form[name].value()) for name in ("sender", "to", "subject", "once_key")}
    values |= {"seen": str(form["seen"].value()), "status_after": "abgeschlossen"}
    assert client.post(url, values | {"text": "Die Ware ist unterwegs."}).status_code == 302
    return OutgoingMessage.objects.get()


def _outbox_count(client: Client) -> str:
    """The number in the navigation."""
    page = client.get(reverse("outbox:list")).content.decode()
    link = page.partition(f'href="{reverse("outbox:list")}"')[2].partition("</a>")[0]
    return re.sub(r"<[^>]*>|\D", "", link)


def _shown_at_the_ticket(client: Client, ticket: Ticket) -> str:
    return client.get(reverse("tickets:ticket", args=[ticket.number])).content.decode()


@pytest.fixture
def office(dovecot: Dovecot, mailbox: str, smtp_sink: Sink) -> Office:
    server = {"imap_host": "127.0.0.1", "imap_port": dovecot.imap_port, "tickets_enabled": True}
    office = make_office(smtp_port=smtp_sink.port, username=mailbox, **server)
    User.objects.update(mails_failures=True)
    return office


def _come_back(dovecot: Dovecot, mailbox: str, outgoing: OutgoingMessage) -> None:
    """Three days later a delivery report is polled, and the clocks run."""
    OutgoingMessage.objects.update(sent_at=timezone.now() - timedelta(days=3))
    dovecot.deliver(mailbox, delivery_report(read_raw(outgoing.message)), envelope_from="")
    let_time_pass(outgoing.account)
    assert poll_account(outgoing.account_id).counts.tickets == 0
    for clock in (settle_dispatches, tell_failures, note_failures, mark_bounced):
        clock()


def _assert_told_by_mail(user: User, about: str, smtp_sink: Sink) -> None:
    """One note, and one mail to whoever sent it."""
    notice = Notification.objects.get(user=user)
    assert about in notice.text
    assert HANS in notice.text
    Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert mail_notices() == 1
    deliver_account(OutgoingMessage.objects.get(origin="notice").account_id)
    (told,) = (one for one in smtp_sink.received if one.recipients == (user.email,))
    assert about.encode() in told.raw


@pytest.mark.parametrize("kind", ["rechnung", "brief"])
def test_a_document_that_comes_back_is_not_sent_any_more(
    client: Client, office: Office, dovecot: Dovecot, mailbox: str, smtp_sink: Sink, kind: str
) -> None:
    client.force_login(office.user)
    poll_account(office.account.pk)
    customer = make_customer()
    person = customer.contacts.get()
    document = make_document(kind, address=customer, contact=person, intro="anbei das Muster")
    release(document=document)
    send(office, document, to=(HANS_HUBER,), subject="Ihre Unterlagen")
    assert deliver_account(office.account.pk).sent == 1
    settle_dispatches()
    assert state_of(document) == "versendet"
    page = reverse("documents:detail", args=[document.pk])
    customer_page = f"/adressen/{customer.pk}/"

    _come_back(dovecot, mailbox, OutgoingMessage.objects.get())

    assert state_of(document) == "freigegeben"
    at_document = client.get(page).content.decode()
    assert "zurückgewiesen" in at_document
    assert "user unknown" in at_document
    assert "noch nicht versendet" in at_document
    at_address = client.get(customer_page).content.decode()
    assert f"E-Mails an {HANS} sind zuletzt am" in at_address
    assert "zurückgewiesen" in at_address
    _assert_told_by_mail(office.user, document.number, smtp_sink)


def test_a_mail_from_an_address_page_that_comes_back(
    client: Client, office: Office, dovecot: Dovecot, mailbox: str, smtp_sink: Sink
) -> None:
    client.force_login(office.user)
    poll_account(office.account.pk)
    customer = make_customer()
    url = reverse("crm:mail", args=[customer.pk])
    text = {"subject": "Unser Treffen", "text": "<p>bis Donnerstag</p>", "to": HANS}
    values = {"sender": office.account.email, "once_key": "0123456789abcdef", **text}
    assert client.post(url, values).status_code == 302
    assert deliver_account(office.account.pk).sent == 1
    customer_page = f"/adressen/{customer.pk}/"
    assert "gesendet" in client.get(customer_page).content.decode()

    _come_back(dovecot, mailbox, OutgoingMessage.objects.get())

    at_address = client.get(customer_page).content.decode()
    assert "zurückgewiesen" in at_address
    assert f"E-Mails an {HANS} sind zuletzt am" in at_address
    _assert_told_by_mail(office.user, "Unser Treffen", smtp_sink)


def test_a_bounce_days_later_takes_back_the_delivery(
    client: Client,
    petra: User,
    account: MailAccount,
    dovecot: Dovecot,
    mailbox: str,
    smtp_sink: Sink,
) -> None:
    poll_account(account.pk)
    dovecot.deliver(mailbox, make_mail(1))
    poll_account(account.pk)
    ticket = Ticket.objects.get()
    outgoing = _answer(client, ticket)
    assert deliver_account(account.pk).sent == 1
    assert states(outgoing) == {HANS: "accepted"}
    assert "gesendet" in _shown_at_the_ticket(client, ticket)
    assert _outbox_count(client) == ""
    ticket.refresh_from_db()
    assert ticket.status == "abgeschlossen"
    OutgoingMessage.objects.update(sent_at=timezone.now() - timedelta(days=3))

    dovecot.deliver(mailbox, delivery_report(read_raw(outgoing.message)), envelope_from="")
    let_time_pass(account)
    assert poll_account(account.pk).counts.tickets == 0
    note_failures()
    mark_bounced()

    assert (fresh(outgoing).state, states(outgoing)) == ("bounced", {HANS: "bounced"})
    assert _outbox_count(client) == "1"
    assert "zurückgewiesen" in _shown_at_the_ticket(client, ticket)
    detail = client.get(reverse("outbox:detail", args=[outgoing.pk])).content.decode()
    assert "als unzustellbar zurückgekommen" in detail
    assert "user unknown" in detail
    ticket.refresh_from_db()
    assert ticket.status == "offen"
    assert TicketEvent.objects.filter(ticket=ticket, kind="delivery").count() == 1
    notice = Notification.objects.get(user=petra)
    assert HANS in notice.text
    assert notice.url == reverse("tickets:ticket", args=[ticket.number])
    assert BouncedEmail.objects.get().email == HANS
    assert len(smtp_sink.received) == 1  # nobody answers a bounce
