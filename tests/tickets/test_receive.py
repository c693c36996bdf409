from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from company.models import Address, ContactPerson, Queue
from mailaccounts.models import MailAccount
from mailaccounts.own_addresses import own_addresses
from mailcore.automatic import classify
from mailcore.parse import parse
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_employee, make_project, make_queue, make_ticket
from tests.intake.mailbox import make_mail
from tickets.incoming import IncomingMail, Received
from tickets.models import Ticket, TicketEvent, TicketMessage
from tickets.numbers import NumberBlock
from tickets.receive import receive, receive_group

pytestmark = pytest.mark.django_db
CUSTOMER = "Hans Huber <hans@huber.example>"
_number = count(1)


def make_ticket_account(email: str = "info@firma.example", **values: Any) -> MailAccount:
    return make_account(email, **{"tickets_enabled": True, **values})


def as_incoming(
    account: MailAccount, raw: bytes, *, at: datetime | None = None, purpose: str = "tickets"
) -> IncomingMail:
    received_at = at or timezone.now()
    parsed = parse(raw, received_at=received_at)
    message = store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=received_at, parsed=parsed
    )
    classification = classify(parsed, own_addresses=own_addresses())
    return IncomingMail(account, purpose, message, parsed, classification, received_at)


def take(account: MailAccount, raw: bytes = b"", **headers: Any) -> Received:
    """Receives one mail; without `raw` a new one with these headers."""
    raw = raw or make_mail(next(_number), **headers)
    mail = as_incoming(account, raw)
    return receive(
        account=account,
        purpose=mail.purpose,
        message=mail.message,
        parsed=mail.parsed,
        classification=mail.classification,
        received_at=mail.received_at,
    )


def ticket_of(received: Received) -> Ticket:
    assert received.ticket is not None
    return Ticket.objects.get(pk=received.ticket.pk)


def hints(ticket: Ticket) -> list[str]:
    events = TicketEvent.objects.filter(ticket=ticket, kind=TicketEvent.Kind.HINT)
    return list(events.values_list("text", flat=True))


def send_from(ticket: Ticket, account: MailAccount) -> str:
    """A reply of ours at the ticket; returns its signed Message-ID."""
    own = new_message_id("firma.example", keys=message_id_keys(), token=f"o-{next(_number)}")
    raw = make_mail(sender=account.email, to="hans@huber.example", Message_ID=f"<{own}>")
    message = store_message(
        raw, direction=StoredMessage.Direction.OUTGOING, received_at=timezone.now()
    )
    outgoing = OutgoingMessage.objects.create(
        account=account,
        message=message,
        origin="ticket",
        once_key=own,
        state="sent",
        sent_at=timezone.now(),
    )
    TicketMessage.objects.create(
        ticket=ticket,
        kind="out",
        account=account,
        message=message,
        outgoing=outgoing,
        created_at=timezone.now(),
    )
    return own


def test_a_new_mail_is_a_new_ticket_with_everything_of_its_account() -> None:
    queue, project = make_queue(), make_project()
    account = make_ticket_account(queue=queue, project=project, allowed=("sales@firma.example",))
    received = take(account, subject="AW: Re: Angebot", to="Sales <sales@firma.example>")
    ticket = ticket_of(received)
    assert received.is_new
    assert (ticket.subject, ticket.status, ticket.queue, ticket.project) == (
        "Angebot",
        "neu",
        queue,
        project,
    )
    assert (ticket.customer_name, ticket.customer_email) == ("Hans Huber", "hans@huber.example")
    assert ticket.incoming_address == "sales@firma.example"
    assert ticket.waiting_since is not None
    assert ticket.preview.startswith("Guten Tag")
    assert ticket.number == f"{timezone.localdate():%Y%m%d}0001"
    assert list(ticket.events.values_list("kind", "text")) == [
        ("created", "Aus der E-Mail von hans@huber.example an sales@firma.example angelegt.")
    ]


def test_an_alias_the_account_may_not_use_is_no_sender() -> None:
    ticket = ticket_of(take(make_ticket_account(), to="fremd@anders.example"))
    assert ticket.incoming_address == "info@firma.example"


def test_receiving_again_changes_nothing() -> None:
    account = make_ticket_account()
    raw = make_mail()
    first, second = take(account, raw), take(account, raw)
    assert first.is_new
    assert not second.is_new
    assert second.ticket_message == first.ticket_message
    assert (Ticket.objects.count(), TicketMessage.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("values", "purpose"), [({"tickets_enabled": False}, "tickets"), ({}, "archive")]
)
def test_no_ticket_without_ticket_system_or_from_an_archive_folder(
    values: dict[str, Any], purpose: str
) -> None:
    mail = as_incoming(make_ticket_account(**values), make_mail(), purpose=purpose)
    assert receive_group([mail]) == [Received(None, None, False)]
    assert not Ticket.objects.exists()


# Rule 1


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_an_answer_to_our_signed_id_joins_whoever_writes(header: str) -> None:
    account = make_ticket_account()
    ticket = make_ticket(account=account)
    own = send_from(ticket, account)
    value = f"<{own}>" if header == "In_Reply_To" else f"<a@x.example> <{own}> <b@x.example>"
    headers: dict[str, Any] = {header: value}
    received = take(account, sender="kollege@anders.example", **headers)
    assert (received.ticket, received.is_new) == (ticket, False)


def test_a_forged_id_of_ours_gets_nobody_in() -> None:
    account = make_ticket_account()
    own = send_from(make_ticket(account=account), account)
    forged = own.replace(own.split(".")[1][:4], "0000", 1)
    assert take(account, In_Reply_To=f"<{forged}>").is_new


def test_our_own_mail_coming_back_makes_no_ticket() -> None:
    account = make_ticket_account()
    own = new_message_id("firma.example", keys=message_id_keys(), token="o-x")
    assert take(account, Message_ID=f"<{own}>", sender=CUSTOMER) == Received(None, None, False)


# Rule 2


def test_an_answer_among_customers_joins_by_stored_ids() -> None:
    account = make_ticket_account()
    first = take(account, Message_ID="<erste@huber.example>")
    second = take(
        account,
        sender="karl@huber.example",
        In_Reply_To="<erste@huber.example>",
        subject="ganz anders",
    )
    assert (second.ticket, second.is_new) == (first.ticket, False)


def test_in_reply_to_counts_before_references_and_those_from_the_right() -> None:
    account = make_ticket_account()
    tickets = [
        ticket_of(take(account, Message_ID=f"<{name}@huber.example>")) for name in ("a", "b", "c")
    ]
    joined = take(
        account, In_Reply_To="<b@huber.example>", References="<a@huber.example> <c@huber.example>"
    )
    assert joined.ticket == tickets[1]
    joined = take(account, References="<a@huber.example> <c@huber.example> <fremd@x.example>")
    assert joined.ticket == tickets[2]


def test_mails_in_the_wrong_order_still_meet() -> None:
    account = make_ticket_account()
    answer = take(account, In_Reply_To="<zuerst@huber.example>")
    other = take(account, References="<zuerst@huber.example>")
    original = take(account, Message_ID="<zuerst@huber.example>")
    assert answer.is_new
    assert answer.ticket == other.ticket == original.ticket


def test_mails_of_one_group_meet_as_well() -> None:
    account = make_ticket_account()
    raws = [
        make_mail(1, Message_ID="<1@huber.example>"),
        make_mail(2, In_Reply_To="<1@huber.example>"),
        make_mail(3, References="<1@huber.example> <4@huber.example>", text="anders"),
        make_mail(5),
    ]
    results = receive_group([as_incoming(account, raw) for raw in raws])
    assert [result.is_new for result in results] == [True, False, False, True]
    assert Ticket.objects.count() == 2
    assert ticket_of(results[0]).messages.count() == 3


def test_ids_of_other_accounts_do_not_count() -> None:
    take(make_ticket_account(), Message_ID="<1@huber.example>")
    other = make_ticket_account("vertrieb@firma.example")
    assert take(other, In_Reply_To="<1@huber.example>").is_new


def test_one_id_for_all_mails_of_a_program_is_no_thread() -> None:
    account = make_ticket_account()
    first = take(account, Message_ID="<immer@shop.example>", subject="Bestellung 1")
    second = take(account, Message_ID="<immer@shop.example>", subject="Bestellung 2")
    assert first.ticket != second.ticket


def test_a_copy_by_another_way_is_shown_once() -> None:
    account = make_ticket_account()
    raw = make_mail()
    first = take(account, b"Delivered-To: info@firma.example\n" + raw)
    second = take(account, b"Delivered-To: alias@firma.example\n" + raw)
    assert (second.ticket, second.is_new) == (first.ticket, False)
    assert TicketMessage.objects.count() == 1


# Rule 4


@pytest.mark.parametrize("hook", ["[Ticket#{}] Frage", "Frage zu Ticket #{}", "Frage #{}"])
def test_the_number_in_the_subject_counts_from_a_participant(hook: str) -> None:
    account = make_ticket_account()
    first = take(account)
    subject = hook.format(ticket_of(first).number)
    assert take(account, subject=subject).ticket == first.ticket


def test_the_number_from_a_stranger_is_a_hint_only() -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account))
    stranger = take(
        account, sender="eva@fremd.example", subject=f"Re: [Ticket#{ticket.number}] Anfrage"
    )
    assert stranger.is_new
    assert f"Möglicherweise Antwort auf Ticket #{ticket.number}." in hints(ticket_of(stranger))
    assert len(hints(ticket)) == 1


def test_the_number_from_a_colleague_of_the_same_address() -> None:
    account = make_ticket_account()
    address = Address.objects.create(number="10001", name="Huber", email="info@huber.example")
    ContactPerson.objects.create(address=address, name="Eva", email="eva@anders.example")
    ticket = ticket_of(take(account))
    assert ticket.address == address, "not matched by domain"
    subject = f"Ticket #{ticket.number}"
    assert take(account, sender="eva@anders.example", subject=subject).ticket == ticket


def test_a_number_that_does_not_exist_is_nothing() -> None:
    received = take(make_ticket_account(), subject="Rechnung #4711")
    assert received.is_new
    assert hints(ticket_of(received)) == []


# Rule 5


def test_mail_to_a_merged_ticket_goes_to_its_target() -> None:
    account = make_ticket_account()
    first = ticket_of(take(account, Message_ID="<1@huber.example>"))
    middle, target = make_ticket(account=account), make_ticket(account=account)
    Ticket.objects.filter(pk=middle.pk).update(merged_into=target)
    Ticket.objects.filter(pk=first.pk).update(merged_into=middle)
    assert take(account, In_Reply_To="<1@huber.example>").ticket == target


def closed_ticket(account: MailAccount, queue: Queue | None = None) -> Ticket:
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>"))
    Ticket.objects.filter(pk=ticket.pk).update(
        status="abgeschlossen", queue=queue, closed_at=timezone.now(), waiting_since=None
    )
    return ticket


def test_an_answer_opens_a_closed_ticket_and_says_so() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account)
    assert take(account, In_Reply_To="<1@huber.example>").ticket == ticket
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at) == ("offen", None)
    assert ticket.waiting_since is not None
    changed = TicketEvent.objects.get(ticket=ticket, kind="changed")
    assert changed.text == "Status abgeschlossen → offen: neue E-Mail von hans@huber.example"


def test_the_queue_may_want_a_new_linked_ticket() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account, make_queue(answer_to_closed=Queue.AnswerToClosed.NEW))
    received = take(account, In_Reply_To="<1@huber.example>")
    assert received.is_new
    assert hints(ticket_of(received)) == [
        f"Antwort auf das abgeschlossene Ticket #{ticket.number}."
    ]
    assert len(hints(ticket)) == 1
    ticket.refresh_from_db()
    assert ticket.status == "abgeschlossen"


def test_an_absence_notice_joins_and_opens_nothing() -> None:
    account = make_ticket_account()
    ticket = closed_ticket(account, make_queue(answer_to_closed=Queue.AnswerToClosed.NEW))
    received = take(account, In_Reply_To="<1@huber.example>", Auto_Submitted="auto-replied")
    assert received.ticket == ticket
    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)


@pytest.mark.parametrize(
    ("before", "after"), [("warten_kd", "offen"), ("warten_e", "warten_e"), ("neu", "neu")]
)
def test_an_answer_ends_the_wait_for_the_customer_only(before: str, after: str) -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>"))
    Ticket.objects.filter(pk=ticket.pk).update(status=before)
    take(account, In_Reply_To="<1@huber.example>")
    ticket.refresh_from_db()
    assert ticket.status == after


def test_an_older_mail_that_comes_late_is_not_the_newest() -> None:
    account = make_ticket_account()
    ticket = ticket_of(take(account, Message_ID="<1@huber.example>", text="die neue"))
    raw = make_mail(99, In_Reply_To="<1@huber.example>", text="die alte")
    receive_group([as_incoming(account, raw, at=timezone.now() - timedelta(days=2))])
    ticket.refresh_from_db()
    assert ticket.preview == "die neue"
    assert ticket.messages.count() == 2


# Rule 6 and personal accounts


def test_one_mail_to_two_mailboxes_is_two_tickets_that_know_each_other() -> None:
    info, sales = make_ticket_account(), make_ticket_account("vertrieb@firma.example")
    raw = make_mail(to="info@firma.example, vertrieb@firma.example")
    first = ticket_of(take(info, b"Delivered-To: info@firma.example\n" + raw))
    second = ticket_of(take(sales, b"Delivered-To: vertrieb@firma.example\n" + raw))
    assert first != second
    assert hints(first) == [f"Dieselbe E-Mail steht auch in Ticket #{second.number}."]
    assert hints(second) == [f"Dieselbe E-Mail steht auch in Ticket #{first.number}."]


def test_an_answer_that_reaches_two_mailboxes_is_shown_once() -> None:
    info, sales = make_ticket_account(), make_ticket_account("vertrieb@firma.example")
    ticket = make_ticket(account=info)
    raw = make_mail(In_Reply_To=f"<{send_from(ticket, info)}>")
    assert take(info, b"Delivered-To: info@firma.example\n" + raw).ticket == ticket
    second = take(sales, b"Delivered-To: vertrieb@firma.example\n" + raw)
    assert (second.ticket, second.is_new) == (ticket, False)
    assert ticket.messages.filter(kind="in").count() == 1
    assert hints(ticket) == ["Dieselbe E-Mail kam auch an vertrieb@firma.example an."]


@pytest.mark.parametrize("is_personal", ["ticket", "mail"])
def test_mail_never_crosses_the_border_of_a_personal_account(is_personal: str) -> None:
    shared, personal = (
        make_ticket_account(),
        make_ticket_account("petra@firma.example", employees=(make_employee(),)),
    )
    of_ticket, of_mail = (personal, shared) if is_personal == "ticket" else (shared, personal)
    ticket = make_ticket(account=of_ticket)
    received = take(of_mail, In_Reply_To=f"<{send_from(ticket, of_ticket)}>")
    assert received.is_new
    assert ticket_of(received).account == of_mail
    assert hints(ticket_of(received)) == [f"Antwort auf Ticket #{ticket.number}."]


# Customers


def test_the_customer_of_a_contact_form_is_its_reply_to() -> None:
    account = make_ticket_account()
    ticket = ticket_of(
        take(
            account,
            sender="Webseite <info@firma.example>",
            Reply_To="Eva Maier <Eva@Maier.example>",
        )
    )
    assert (ticket.customer_name, ticket.customer_email) == ("Eva Maier", "eva@maier.example")


def test_a_person_with_a_reply_to_stays_the_customer() -> None:
    ticket = ticket_of(take(make_ticket_account(), Reply_To="buchhaltung@huber.example"))
    assert ticket.customer_email == "hans@huber.example"


def test_the_address_by_sender_then_reply_to_then_domain() -> None:
    account = make_ticket_account()
    by_domain = Address.objects.create(number="1", name="Huber", email="info@huber.example")
    assert ticket_of(take(account, sender="x@HUBER.example")).address == by_domain
    by_sender = Address.objects.create(number="2", name="Hans", email="Hans@Huber.example")
    assert ticket_of(take(account)).address == by_sender
    # Two addresses share the domain now: it says nothing any more.
    assert ticket_of(take(account, sender="neu@huber.example")).address is None
    by_reply = Address.objects.create(number="3", name="Eva", email="eva@maier.example")
    received = take(account, sender="neu@huber.example", Reply_To="eva@maier.example")
    assert ticket_of(received).address == by_reply


def test_a_freemail_domain_is_no_company() -> None:
    Address.objects.create(number="1", name="Zufall", email="zufall@gmx.de")
    assert ticket_of(take(make_ticket_account(), sender="anders@gmx.de")).address is None


def test_a_group_costs_as_many_queries_as_one_mail(
    django_assert_max_num_queries: Any,
) -> None:
    account = make_ticket_account()
    mails = [as_incoming(account, make_mail(1000 + number)) for number in range(50)]
    block = NumberBlock()
    block.reserve(50)
    with django_assert_max_num_queries(20):
        receive_group(mails, numbers=block)
    assert Ticket.objects.count() == 50
    numbers = sorted(Ticket.objects.values_list("number", flat=True))
    assert numbers == [f"{timezone.localdate():%Y%m%d}{n:04d}" for n in range(1, 51)]
