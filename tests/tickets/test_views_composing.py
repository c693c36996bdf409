"""Answering, forwarding, noting; calling back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import User
from mailcore.parse import parse
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_employee, make_mail, make_ticket, make_user
from tests.tickets.letters import letter
from tickets.models import Ticket, TicketMessage

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "composer-form"}


@pytest.fixture
def petra(client: Client) -> User:
    user = make_user("petra", role="support", first_name="Petra", last_name="Klein")
    client.force_login(user)
    return user


@pytest.fixture
def ticket(petra: User) -> Ticket:
    account = make_account("support@firma.example", display_name="Firma Support")
    ticket = make_ticket(
        account=account, number="4711", status="offen", incoming_address="support@firma.example"
    )
    make_mail(
        ticket,
        letter(
            "Wo ist die Ware?",
            cc="Einkauf <einkauf@huber.example>",
            files=(("Bestellung.pdf", "application/pdf", b"%PDF-1.4"),),
        ),
    )
    return ticket


def url(name: str, *args: object) -> str:
    return reverse(f"tickets:{name}", args=["4711", *args])


def open_form(client: Client, name: str = "reply") -> dict[str, str | list[str]]:
    """The composer's values as a browser would send them back untouched."""
    response = client.get(url(name), headers={"HX-Request": "true", "HX-Target": "composer"})
    assert response.status_code == 200
    shown = response.content.decode()
    assert "<html" not in shown
    assert re.search(r'name="csrfmiddlewaretoken"', shown)
    form = response.context["composer"].form
    values = {name: form[name].value() for name in ("sender", "to", "cc", "bcc", "subject", "text")}
    values |= {name: str(form[name].value()) for name in ("once_key", "seen", "status_after")}
    return values | {"quote": "on", "kept": [str(pk) for pk in form["kept"].value()]}


def sent_mails() -> list[OutgoingMessage]:
    return list(OutgoingMessage.objects.order_by("pk"))


def test_an_answer_goes_its_way(client: Client, ticket: Ticket, petra: User) -> None:
    values = open_form(client)
    assert values["to"] == "Hans Huber <hans@huber.example>"
    assert values["cc"] == ""
    values |= {"text": "<p>Guten Tag, <b>morgen</b>.</p>", "bcc": "chef@firma.example"}
    response = client.post(url("reply"), values, headers=HTMX)
    assert response.status_code == 200
    assert response.headers["HX-Retarget"] == "#ticket"
    shown = response.content.decode()
    assert "Antwort wird in 10 s gesendet." in shown
    message = TicketMessage.objects.get(kind="out")
    assert f'hx-post="{url("undo", message.pk)}"' in shown
    assert f'id="row-{ticket.pk}"' in shown
    assert message.outgoing is not None
    assert message.outgoing.state == "scheduled"
    assert message.author == petra
    parsed = parse(read_raw(message.outgoing.message))
    assert "Guten Tag, morgen." in parsed.text
    assert "> Wo ist die Ware?" in parsed.text
    assert "<b>morgen</b>" in parsed.html
    assert {one.email for one in message.outgoing.recipients.all()} == {
        "hans@huber.example",
        "chef@firma.example",
    }
    ticket.refresh_from_db()
    assert ticket.status == "warten_kd"


def test_all_are_answered(client: Client, ticket: Ticket) -> None:
    values = open_form(client, "reply_all")
    assert values["cc"] == "Einkauf <einkauf@huber.example>"


def test_a_double_click_sends_once(client: Client, ticket: Ticket) -> None:
    values = open_form(client) | {"text": "Einmal", "trotzdem": "1"}
    for _ in range(2):
        assert client.post(url("reply"), values, headers=HTMX).status_code == 200
    assert len(sent_mails()) == 1


def test_plain_text_works_without_javascript(client: Client, ticket: Ticket) -> None:
    values = open_form(client) | {"text": "Erste Zeile\nzweite <Zeile>", "quote": ""}
    response = client.post(url("reply"), values)
    assert response.headers["Location"] == "/tickets/4711/"
    parsed = parse(read_raw(sent_mails()[0].message))
    assert parsed.text.splitlines()[:2] == ["Erste Zeile", "zweite <Zeile>"]
    assert "Wo ist die Ware" not in parsed.text
    assert "Antwort wird in 10 s gesendet." in client.get("/tickets/4711/").content.decode()


def test_files_go_along(client: Client, ticket: Ticket) -> None:
    files = [
        SimpleUploadedFile("Plan.pdf", b"%PDF-plan", "text/html"),
        SimpleUploadedFile("leer.txt", b""),
    ]
    values = open_form(client) | {"text": "anbei", "uploads": files}
    assert client.post(url("reply"), values, headers=HTMX).status_code == 200
    parsed = parse(read_raw(sent_mails()[0].message))
    assert [(one.filename, one.content_type) for one in parsed.attachments] == [
        ("Plan.pdf", "application/pdf"),
        ("leer.txt", "text/plain"),
    ]


def test_forwarding_takes_the_files_of_the_mail(client: Client, ticket: Ticket) -> None:
    values = open_form(client, "forward")
    assert values["to"] == ""
    assert str(values["subject"]).startswith("WG:")
    assert values["status_after"] == ""
    values |= {"to": "lager@firma.example", "text": "Bitte prüfen"}
    assert client.post(url("forward"), values, headers=HTMX).status_code == 200
    parsed = parse(read_raw(sent_mails()[0].message))
    assert [one.filename for one in parsed.attachments] == ["Bestellung.pdf"]
    assert parsed.in_reply_to == ()
    ticket.refresh_from_db()
    assert ticket.status == "offen"


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"text": "", "to": "kaputt"}, ["Bitte 2 Angaben prüfen", "„kaputt“ ist keine gültige"]),
        ({"text": "<div><br></div>"}, ["Bitte 1 Angabe prüfen", "Bitte schreiben Sie einen Text."]),
        ({"to": ""}, ["Bitte geben Sie einen Empfänger an."]),
        ({"sender": "chef@fremd.example"}, ["„chef@fremd.example“ dürfen Sie nicht senden"]),
        ({"text": "Hallo {QUATSCH}"}, ["{QUATSCH}"]),
        ({"once_key": "kurz"}, ["once_key"]),
        ({"status_after": "quatsch"}, ["quatsch"]),
        ({"kept": ["0"]}, ["Bitte 1 Angabe prüfen"]),
    ],
)
def test_what_cannot_be_sent_comes_back_with_the_reason(
    client: Client, ticket: Ticket, changes: dict[str, str], texts: list[str]
) -> None:
    values = open_form(client) | {"text": "Mein langer Text"} | changes
    response = client.post(url("reply"), values, headers=HTMX)
    assert response.status_code == 422
    shown = response.content.decode()
    for text in texts:
        assert text in shown
    assert 'id="composer-form"' in shown
    if "text" not in changes:
        assert "Mein langer Text" in shown
    assert sent_mails() == []


def test_files_of_other_tickets_cannot_be_taken(client: Client, ticket: Ticket) -> None:
    other = make_mail(make_ticket(), letter("x", files=(("geheim.pdf", "application/pdf", b"%"),)))
    foreign = other.message.attachments.get()  # type: ignore[union-attr]
    values = open_form(client) | {"text": "x", "kept": [str(foreign.pk)]}
    assert client.post(url("reply"), values, headers=HTMX).status_code == 422
    assert sent_mails() == []


def test_too_large_files_are_refused(
    client: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets.composer_form.FILES_LIMIT", 10)
    file = SimpleUploadedFile("gross.bin", b"x" * 11)
    values = open_form(client) | {"text": "x", "uploads": [file]}
    response = client.post(url("reply"), values, headers=HTMX)
    assert response.status_code == 422
    assert "größer als 25 MB" in response.content.decode()


def test_news_stop_a_stale_answer(client: Client, ticket: Ticket) -> None:
    values = open_form(client) | {"text": "Meine Antwort"}
    make_mail(ticket, letter("Hat sich erledigt"), now=timezone.now())
    response = client.post(url("reply"), values, headers=HTMX)
    assert response.status_code == 409
    shown = response.content.decode()
    assert "Neue Nachricht von Hans Huber" in shown
    assert "Meine Antwort" in shown
    assert "Trotzdem senden" in shown
    assert sent_mails() == []
    assert client.post(url("reply"), values | {"trotzdem": "1"}, headers=HTMX).status_code == 200
    assert len(sent_mails()) == 1


def test_calling_back_restores_text_and_status(client: Client, ticket: Ticket) -> None:
    file = SimpleUploadedFile("Plan.pdf", b"%PDF-plan")
    values = open_form(client) | {
        "text": "<p>Zu früh</p>",
        "cc": "b@huber.example",
        "uploads": file,
    }
    client.post(url("reply"), values, headers=HTMX)
    message = TicketMessage.objects.get(kind="out")
    response = client.post(url("undo", message.pk), headers={"HX-Request": "true"})
    page = response.headers["HX-Redirect"]
    assert sent_mails()[0].state == "cancelled"
    ticket.refresh_from_db()
    assert ticket.status == "offen"
    response = client.get(page)
    form = response.context["composer"].form
    assert form["text"].value() == "<p>Zu früh</p>"
    assert form["cc"].value() == "b@huber.example"
    assert form["once_key"].value() != values["once_key"]
    shown = response.content.decode()
    assert "Plan.pdf" in shown
    assert "zurückgeholt und nicht gesendet" in shown
    again = {name: form[name].value() or "" for name in values if name not in ("uploads", "kept")}
    again |= {"kept": [str(pk) for pk in form["kept"].value()]}
    assert client.post(url("reply"), again, headers=HTMX).status_code == 200
    parsed = parse(read_raw(sent_mails()[1].message))
    assert [one.filename for one in parsed.attachments] == ["Plan.pdf"]


def test_somebody_else_gets_no_text_of_mine(client: Client, ticket: Ticket) -> None:
    client.post(url("reply"), open_form(client) | {"text": "Vertraut"}, headers=HTMX)
    message = TicketMessage.objects.get(kind="out")
    client.force_login(make_user(role="support"))
    response = client.post(url("undo", message.pk))
    assert response.headers["Location"] == "/tickets/4711/"
    assert client.get(f"/tickets/4711/?entwurf={message.pk}").context["composer"] is None


def test_too_late_to_call_back(client: Client, ticket: Ticket) -> None:
    client.post(url("reply"), open_form(client) | {"text": "Weg"}, headers=HTMX)
    message = TicketMessage.objects.get(kind="out")
    OutgoingMessage.objects.update(state="sent", sent_at=timezone.now(), next_attempt_at=None)
    response = client.post(url("undo", message.pk), follow=True)
    assert "Zu spät: Die Antwort ist schon unterwegs." in response.content.decode()
    assert sent_mails()[0].state == "sent"


def test_after_sending_the_next_ticket_or_the_list(
    client: Client, ticket: Ticket, petra: User
) -> None:
    make_ticket(number="4712", subject="Das nächste", now=timezone.now() - timedelta(hours=3))
    User.objects.update(after_send="next")
    values = open_form(client) | {"text": "Eins"}
    response = client.post(url("reply") + "?ansicht=alle", values, headers=HTMX)
    assert response.headers["HX-Push-Url"] == "/tickets/4712/?ansicht=alle"
    assert "Das nächste" in response.content.decode()
    assert "Antwort wird in 10 s gesendet." in response.content.decode()
    User.objects.update(after_send="list")
    values = open_form(client) | {"text": "Zwei"}
    response = client.post(url("reply") + "?ansicht=alle", values, headers=HTMX)
    assert response.headers["HX-Redirect"] == "/tickets/?ansicht=alle"


def test_a_note_is_kept(client: Client, ticket: Ticket, petra: User) -> None:
    response = client.post(url("note"), {"text": "Nur intern <b>"}, headers=HTMX)
    assert response.status_code == 200
    assert "Nur intern &lt;b&gt;" in response.content.decode()
    assert TicketMessage.objects.get(kind="note").author == petra
    empty = client.post(url("note"), {"text": "  "}, headers=HTMX)
    assert empty.status_code == 422
    assert "Bitte schreiben Sie einen Text." in empty.content.decode()
    assert client.post(url("note"), {"text": "Noch eine"}).status_code == 302
    assert sent_mails() == []


def test_the_signature_follows_the_sender(client: Client, ticket: Ticket) -> None:
    make_account("zwei@firma.example", signature_active=True, signature_html="<p>Gruß Zwei</p>",
                 description="Zwei")  # fmt: skip
    shown = client.get(url("signature"), {"sender": "zwei@firma.example"}).content.decode()
    assert "Gruß Zwei" in shown
    assert "Signatur des Accounts „Zwei“" in shown
    assert client.get(url("signature"), {"sender": "kaputt"}).status_code == 200


def test_without_a_sender_the_composer_says_why(client: Client, ticket: Ticket) -> None:
    other = make_employee("Andere", user=make_user())
    account = ticket.account
    assert account is not None
    Ticket.objects.update(account=None)
    account.employees.add(other)
    shown = client.get(url("reply")).content.decode()
    assert "Es gibt keinen E-Mail Account, mit dem Sie senden dürfen." in shown


def test_the_whole_page_opens_with_the_composer(client: Client, ticket: Ticket) -> None:
    for name in ("reply", "reply_all", "forward", "note"):
        shown = client.get(url(name)).content.decode()
        assert "<html" in shown
        assert 'id="composer-form"' in shown
