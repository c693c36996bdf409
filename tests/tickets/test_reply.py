"""An answer to a ticket: its sender, its headers, its body, and what it leaves at the ticket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from company.models import User
from mailaccounts.models import MailAccount
from mailcore.messages import FilePart, Mailbox, ParsedMessage
from mailcore.parse import parse
from mailcore.threading import read_own_message_id
from mailstore.ids import message_id_keys
from mailstore.read import read_raw
from mailstore.store import hash_message_id
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.factories import (
    make_account,
    make_employee,
    make_mail,
    make_project,
    make_ticket,
    make_user,
    set_company,
)
from tests.servers.smtp_sink import Sink
from tests.tickets.letters import letter
from tickets.add_note import add_note
from tickets.models import ThreadId, Ticket, TicketMessage
from tickets.reply import (
    ReplyContent,
    ReplyRefused,
    default_recipients,
    default_sender,
    reply,
)

pytestmark = pytest.mark.django_db

HANS = Mailbox("Hans Huber", "hans@huber.example")
SUPPORT = "support@firma.example"


def _ticket(raw: bytes | None = None, **values: Any) -> Ticket:
    """A ticket of the support account with one mail of the customer."""
    account = values.pop("account", None) or make_account(SUPPORT, description="Support")
    ticket = make_ticket(account=account, incoming_address=SUPPORT, **values)
    make_mail(ticket, raw or letter())
    return ticket


def _content(**values: Any) -> ReplyContent:
    return ReplyContent(
        **{"sender_email": SUPPORT, "to": (HANS,), "text": "Kommt morgen.", **values}
    )


def _author(**values: Any) -> User:
    return make_user(**{"undo_seconds": 0, **values})


def _send(ticket: Ticket, author: User | None = None, **values: Any) -> TicketMessage:
    once_key = str(values.pop("once_key", "antwort-1"))
    return reply(
        ticket=ticket, author=author or _author(), content=_content(**values), once_key=once_key
    )


def _parsed(sent: TicketMessage) -> ParsedMessage:
    assert sent.message
    return parse(read_raw(sent.message))


def _text(sent: TicketMessage) -> str:
    return _parsed(sent).text.rstrip("\n")


def test_the_answer_threads_in_every_mail_program(smtp_sink: Sink) -> None:
    original = letter().replace(
        b"Message-ID:", b"References: <erste@huber.example> <zweite@huber.example>\nMessage-ID:"
    )
    account = make_account(SUPPORT, smtp_port=smtp_sink.port)
    ticket = _ticket(original, account=account, subject="Lieferung unvollständig")
    sent = _send(ticket)
    deliver_account(account.pk)
    mail = parse(smtp_sink.received[0].raw)
    answered = parse(original).message_id
    assert mail.subject == f"Re: [Ticket#{ticket.number}] Lieferung unvollständig"
    assert mail.in_reply_to == (answered,)
    assert mail.references == ("erste@huber.example", "zweite@huber.example", answered)
    token = read_own_message_id(mail.message_id, keys=message_id_keys())
    assert token
    assert token.startswith(f"t{ticket.number}-")
    assert [str(one) for one in mail.from_] == [f"Firma GmbH <{SUPPORT}>"]
    assert [str(one) for one in mail.to] == ["Hans Huber <hans@huber.example>"]
    assert mail.text.rstrip() == "Kommt morgen."
    assert sent.outgoing
    assert sent.outgoing.sender_reason.startswith("Adresse des Accounts")


def test_the_ticket_knows_the_answer_and_waits_for_the_customer() -> None:
    ticket, author = _ticket(), _author()
    sent = _send(ticket, author)
    ticket.refresh_from_db()
    assert ticket.status == Ticket.Status.WAIT_CUSTOMER
    assert ticket.waiting_since is None
    assert ticket.preview == "Kommt morgen."
    assert (sent.kind, sent.author) == (TicketMessage.Kind.REPLY, author)
    hashed = hash_message_id(_parsed(sent).message_id)
    assert ThreadId.objects.filter(ticket=ticket, message_id_hash=hashed, is_seen=True).exists()
    event = ticket.events.get()
    assert (event.actor, event.text) == (author, "Status neu → warten auf Kunde")


@pytest.mark.parametrize(
    ("after", "expected"),
    [("", "neu"), ("abgeschlossen", "abgeschlossen"), ("klaeren", "klaeren")],
)
def test_the_status_after_sending_is_chosen(after: str, expected: str) -> None:
    ticket = _ticket()
    _send(ticket, status_after=after)
    ticket.refresh_from_db()
    assert ticket.status == expected


def test_a_double_click_sends_once() -> None:
    ticket = _ticket()
    author = _author()
    assert _send(ticket, author) == _send(ticket, author)
    assert OutgoingMessage.objects.count() == 1
    assert ticket.messages.filter(kind=TicketMessage.Kind.REPLY).count() == 1


def test_the_undo_time_and_a_chosen_time_hold_the_mail_back() -> None:
    ticket = _ticket()
    before = timezone.now()
    undoable = _send(ticket, _author(undo_seconds=30), once_key="a").outgoing
    later = before + timedelta(days=2)
    planned = _send(ticket, _author(undo_seconds=30), once_key="b", send_at=later).outgoing
    assert undoable
    assert planned
    assert undoable.next_attempt_at
    assert undoable.state == planned.state == OutgoingMessage.State.SCHEDULED
    assert 29 <= (undoable.next_attempt_at - before).total_seconds() <= 35
    assert planned.next_attempt_at == later


def test_the_signature_is_added_once_and_the_pictures_go_along() -> None:
    project = make_project("N", signature_active=True, signature_html="<p>Gruß {MITARBEITER}</p>")
    author = _author()
    make_employee("Petra Klein", user=author)
    ticket = _ticket(project=project)
    files = (FilePart("Plan.pdf", "application/pdf", b"%PDF-1.4"),)
    plain = _parsed(_send(ticket, author, once_key="a", files=files))
    assert plain.text.rstrip() == "Kommt morgen.\n\n-- \nGruß Petra Klein"
    assert [one.filename for one in plain.attachments] == ["Plan.pdf"]
    placed = _parsed(_send(ticket, author, once_key="b", text="Hallo\n{SIGNATUR}\nPS"))
    assert placed.text.rstrip() == "Hallo\nGruß Petra Klein\nPS"
    html = _parsed(_send(ticket, author, once_key="c", text="", html="<p>Hallo</p>"))
    assert "<p>Gruß Petra Klein</p>" in html.html
    assert html.text.startswith("Hallo")


def test_the_signature_is_that_of_the_chosen_account() -> None:
    set_company(signature_html="<p>Firma</p>")
    make_account("vertrieb@firma.example", signature_active=True, signature_html="<p>Vertrieb</p>")
    ticket = _ticket()
    assert _text(_send(ticket, once_key="a")).endswith("Firma")
    sent = _send(ticket, once_key="b", sender_email="vertrieb@firma.example")
    assert _text(sent).endswith("Vertrieb")


def test_the_original_is_quoted_on_request() -> None:
    raw = letter("Wo bleibt es?\n> alt", html="<p>Wo bleibt es?</p><script>x()</script>")
    ticket = _ticket(raw)
    assert "Wo bleibt" not in _parsed(_send(ticket, once_key="a")).text
    sent = _parsed(_send(ticket, once_key="b", html="<p>Neu</p>", quotes_original=True))
    assert "schrieb Hans Huber <hans@huber.example>:\n\n> Wo bleibt es?\n>> alt" in sent.text
    assert "<blockquote" in sent.html
    assert "x()" not in sent.html
    assert sent.html.index("Neu") < sent.html.index("<blockquote")


def test_template_variables_are_filled_and_unknown_ones_refused() -> None:
    ticket = _ticket()
    text = "Hallo {NAME}, zu {TICKET}: {BETREFF}"
    assert (
        _text(_send(ticket, text=text)) == f"Hallo Hans Huber, zu {ticket.number}: {ticket.subject}"
    )
    with pytest.raises(ReplyRefused, match=r"\{LIEFERTERMIN\}") as refused:
        _send(ticket, once_key="b", text="Am {LIEFERTERMIN}")
    assert refused.value.field == "text"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": "  "}, "text"),
        ({"to": ()}, "to"),
        ({"to": (Mailbox("", "keine adresse"),)}, "to"),
        ({"cc": (Mailbox("Böse\r\nBcc: x@y.example", "a@b.example"),)}, "cc"),
        ({"bcc": (Mailbox("", "a@b\r\n.example"),)}, "bcc"),
        ({"sender_email": "chef@fremd.example"}, "sender_email"),
        ({"sender_email": f"{SUPPORT}\r\nBcc: x@y.example"}, "sender_email"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_leaves_nothing(
    values: dict[str, Any], field: str
) -> None:
    ticket = _ticket()
    with pytest.raises(ReplyRefused) as refused:
        _send(ticket, **values)
    assert refused.value.field == field
    assert refused.value.text
    ticket.refresh_from_db()
    assert ticket.status == Ticket.Status.NEW
    assert not OutgoingMessage.objects.exists()
    assert ticket.messages.count() == 1


def test_a_line_break_in_the_subject_forges_no_header() -> None:
    sent = _parsed(_send(_ticket(), subject="Hallo\r\nBcc: x@y.example"))
    assert "\n" not in sent.subject
    assert sent.header("Bcc") is None


def test_a_forwarded_mail_says_so_and_answers_nothing() -> None:
    ticket = _ticket()
    sent = _parsed(_send(ticket, subject=f"Fwd: {ticket.subject}"))
    assert sent.subject == f"WG: [Ticket#{ticket.number}] {ticket.subject}"
    assert sent.in_reply_to == ()


def test_an_endless_thread_keeps_its_header_within_bounds() -> None:
    ids = " ".join(f"<nummer-{number}-{'x' * 40}@huber.example>" for number in range(60))
    raw = letter().replace(b"Message-ID:", f"References: {ids}\nMessage-ID:".encode())
    sent = _send(_ticket(raw))
    mail = _parsed(sent)
    assert mail.references[0].startswith("nummer-0-")
    assert mail.references[-1] == mail.in_reply_to[0]
    assert sum(len(one) + 3 for one in mail.references) <= 1500


def test_the_original_s_bytes_may_be_gone() -> None:
    ticket = _ticket()
    message = ticket.messages.get().message
    assert message
    type(message).objects.filter(pk=message.pk).update(sha256="0" * 64)
    assert _parsed(_send(ticket)).in_reply_to == (message.message_id,)


class TestDefaultSender:
    def _ticket_for(self, incoming: str, **account: Any) -> Ticket:
        support = make_account(SUPPORT, allowed=("hilfe@firma.example", "@shop.example"), **account)
        return make_ticket(account=support, incoming_address=incoming)

    @pytest.mark.parametrize("incoming", [SUPPORT, "hilfe@firma.example", "laden@shop.example"])
    def test_the_address_the_mail_came_to(self, incoming: str) -> None:
        ticket, user = self._ticket_for(incoming), make_user()
        choice = default_sender(ticket, user)
        assert (choice.email, choice.account) == (incoming, ticket.account)
        sent = _send(ticket, user, sender_email=incoming)
        assert _parsed(sent).from_[0].email == incoming

    def test_an_alias_the_account_may_not_send_as(self) -> None:
        ticket = self._ticket_for("liste@verteiler.example")
        assert default_sender(ticket, make_user()).email == SUPPORT

    def test_the_setting_is_off(self) -> None:
        ticket = self._ticket_for("hilfe@firma.example", reply_from_incoming=False)
        assert default_sender(ticket, make_user()).email == SUPPORT

    def test_the_sender_address_of_the_account(self) -> None:
        ticket = self._ticket_for("liste@verteiler.example", sender_email="antwort@firma.example")
        assert default_sender(ticket, make_user()).email == "antwort@firma.example"

    def test_the_colleague_s_personal_account_gives_way_to_an_own_one(self) -> None:
        petra = make_account("petra@firma.example", employees=(make_employee(user=make_user()),))
        ticket, user = (
            make_ticket(account=petra, incoming_address="petra@firma.example"),
            make_user(),
        )
        make_account("zentrale@firma.example")
        assert default_sender(ticket, user).email == "zentrale@firma.example"

    def test_nobody_may_answer_another_s_ticket_by_an_alias_of_a_domain(self) -> None:
        ticket = self._ticket_for("laden@shop.example")
        other = make_ticket(account=ticket.account, incoming_address=SUPPORT)
        with pytest.raises(ReplyRefused):
            _send(other, sender_email="laden@shop.example")


class TestDefaultRecipients:
    @pytest.mark.parametrize(
        ("raw", "to", "cc"),
        [
            (
                letter(cc="Chef <chef@huber.example>"),
                ["hans@huber.example"],
                ["chef@huber.example"],
            ),
            (
                letter(to=f"{SUPPORT}, lager@huber.example", cc="hilfe@firma.example"),
                ["hans@huber.example"],
                ["lager@huber.example"],
            ),
            (
                letter().replace(b"To: S", b"Reply-To: einkauf@huber.example\nTo: S"),
                ["einkauf@huber.example"],
                [],
            ),
            (
                letter(sender=SUPPORT).replace(b"To: S", b"Reply-To: hans@huber.example\nTo: S"),
                ["hans@huber.example"],
                [],
            ),
        ],
    )
    def test_whoever_wrote_and_everybody_else(
        self, raw: bytes, to: list[str], cc: list[str]
    ) -> None:
        account = make_account(SUPPORT, allowed=("hilfe@firma.example",))
        ticket = _ticket(raw, account=account)
        found = default_recipients(ticket, to_all=True)
        assert [one.email for one in found.to] == to
        assert [one.email for one in found.cc] == cc
        assert default_recipients(ticket, to_all=False).cc == ()

    def test_after_our_own_mail_the_customer_is_still_the_recipient(self) -> None:
        ticket = _ticket()
        _send(ticket)
        assert default_recipients(ticket, to_all=False).to == (HANS,)

    def test_a_ticket_without_mail_goes_to_its_customer(self) -> None:
        ticket = make_ticket()
        assert default_recipients(ticket, to_all=True).to == (HANS,)


def test_a_note_is_kept_and_an_empty_one_refused() -> None:
    ticket, author = make_ticket(), make_user()
    note = add_note(ticket=ticket, author=author, text=" Bitte prüfen\x00 \n")
    assert (note.kind, note.note, note.author) == (TicketMessage.Kind.NOTE, "Bitte prüfen", author)
    with pytest.raises(ValueError, match="text"):
        add_note(ticket=ticket, author=author, text=" \n")
    assert MailAccount.objects.count() == OutgoingMessage.objects.count() == 0
