"""A ticket's page: conversation, details, changes; mails with bodies, files and states."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from company.models import Address, User
from mailcore.messages import Mailbox
from mailstore.proxy import sign_address
from outbox.models import OutgoingMessage
from tests.factories import (
    make_account,
    make_employee,
    make_mail,
    make_queue,
    make_ticket,
    make_user,
    set_company,
)
from tests.tickets.letters import PNG, letter
from tickets.add_note import add_note
from tickets.models import Ticket, TicketEvent, TicketMessage
from tickets.reply import ReplyContent, reply

pytestmark = pytest.mark.django_db
HOSTILE = '<p>Hallo</p><script>alert(1)</script><img src="https://t.example/x.gif">'
FILE = ("Lieferschein.pdf", "application/pdf", b"%PDF-1.4")


@pytest.fixture
def petra(client: Client) -> User:
    user = make_user("petra", role="support", first_name="Petra", last_name="Klein")
    client.force_login(user)
    return user


@pytest.fixture
def ticket(petra: User) -> Ticket:
    return make_ticket(account=make_account("support@firma.example"), number="4711")


@pytest.fixture
def mail(ticket: Ticket) -> TicketMessage:
    return make_mail(
        ticket,
        letter("Nur Text", html=f'{HOSTILE}<img src="cid:bild@huber">', picture=PNG, files=(FILE,)),
        now=timezone.now() - timedelta(hours=2),
    )


def url(name: str, *args: object) -> str:
    return reverse(f"tickets:{name}", args=args)


def page(client: Client, target: str = "") -> str:
    headers = {"HX-Request": "true", "HX-Target": target} if target else None
    response = client.get("/tickets/4711/", headers=headers)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    return response.content.decode()


def send(ticket: Ticket, author: User, text: str = "Guten Tag") -> TicketMessage:
    content = ReplyContent(
        sender_email="support@firma.example",
        to=(Mailbox("", "hans@huber.example"),),
        text=text,
        status_after="",
    )
    return reply(ticket=ticket, author=author, content=content, once_key=f"einmal-{text}")


def change(client: Client, ticket: Ticket, **values: object) -> str:
    response = client.post(
        url("change", ticket.number), values, headers={"HX-Request": "true", "HX-Target": "details"}
    )
    assert response.status_code == 200
    ticket.refresh_from_db()
    return response.content.decode()


def test_everything_stands_in_its_order(
    client: Client, ticket: Ticket, mail: TicketMessage, petra: User
) -> None:
    created = TicketEvent(ticket=ticket, kind="created", text="Ticket angelegt")
    created.created_at = mail.created_at
    created.save()
    send(ticket, petra, "Unsere Antwort")
    add_note(ticket=ticket, author=petra, text="Nur intern")
    shown = page(client, target="ticket")
    order = [
        shown.index(text)
        for text in ("Ticket angelegt", "Hans Huber</span>", "Unsere Antwort", "Nur intern")
    ]
    assert order == sorted(order)
    assert "hans@huber.example" in shown
    assert "Lieferschein.pdf" in shown


def test_the_body_of_a_mail_is_never_part_of_the_page(client: Client, mail: TicketMessage) -> None:
    shown = page(client)
    assert "alert(1)" not in shown
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in shown
    assert f'src="{url("mail_frame", "4711", mail.pk)}"' in shown


def test_text_is_escaped_and_its_quote_folded(client: Client, ticket: Ticket) -> None:
    make_mail(ticket, letter("Danke <b>sehr</b>\n\n> alte Zeile"))
    shown = page(client)
    assert "Danke &lt;b&gt;sehr&lt;/b&gt;" in shown
    assert shown.index("Zitierten Text anzeigen") < shown.index("alte Zeile")


def test_links_in_text_open_elsewhere(client: Client, ticket: Ticket) -> None:
    make_mail(ticket, letter('Siehe https://x.example/a <a href="javascript:alert(1)">x</a>'))
    shown = page(client, target="ticket")
    opener = '<a target="_blank" rel="noopener noreferrer" href="https://x.example/a">'
    assert opener in shown
    assert 'href="javascript' not in shown


def test_the_frame_is_safe_and_counts_what_it_blocks(client: Client, mail: TicketMessage) -> None:
    response = client.get(url("mail_frame", "4711", mail.pk))
    shown = response.content.decode()
    assert "<p>Hallo</p>" in shown
    assert "alert(1)" not in shown
    assert "1 externes Bild blockiert" in shown
    assert ' src="https://t.example' not in shown
    assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    picture = mail.message.attachments.get(content_type="image/png")  # type: ignore[union-attr]
    assert f'src="{url("preview", "4711", mail.pk, picture.pk)}"' in shown
    with_pictures = client.get(url("mail_frame", "4711", mail.pk) + "?bilder=1").content.decode()
    assert f'src="{url("remote_picture", "4711", mail.pk)}?u=' in with_pictures
    assert "blockiert" not in with_pictures


def test_pictures_are_shown_at_once_where_the_company_wants_it(
    client: Client, mail: TicketMessage
) -> None:
    set_company(block_external_content=False)
    shown = client.get(url("mail_frame", "4711", mail.pk)).content.decode()
    assert "blockiert" not in shown
    assert "?u=" in shown


def test_refused_pictures_are_not_found(client: Client, mail: TicketMessage) -> None:
    address = url("remote_picture", "4711", mail.pk)
    for token in ("", "gefälscht", sign_address("http://127.0.0.1/x.png")):
        assert client.get(address, {"u": token}).status_code == 404


def test_files_originals_and_headers(client: Client, mail: TicketMessage) -> None:
    file = mail.message.attachments.get(filename="Lieferschein.pdf")  # type: ignore[union-attr]
    download = client.get(url("attachment", "4711", mail.pk, file.pk))
    assert download.content == b"%PDF-1.4"
    assert download.headers["Content-Disposition"].startswith("attachment")
    preview = client.get(url("preview", "4711", mail.pk, file.pk))
    assert preview.headers["Content-Type"] == "application/pdf"
    original = client.get(url("mail_original", "4711", mail.pk))
    assert b"multipart/mixed" in original.content
    headers = client.get(url("mail_headers", "4711", mail.pk)).content.decode()
    assert "<dialog" in headers
    assert "brief-" in headers


def test_a_file_belongs_to_its_mail(client: Client, ticket: Ticket, mail: TicketMessage) -> None:
    other = make_mail(ticket, letter("x", files=(("anders.pdf", "application/pdf", b"%PDF"),)))
    foreign = other.message.attachments.get()  # type: ignore[union-attr]
    assert client.get(url("attachment", "4711", mail.pk, foreign.pk)).status_code == 404
    elsewhere = make_mail(make_ticket(), letter("y"))
    assert client.get(url("mail_frame", "4711", elsewhere.pk)).status_code == 404
    note = add_note(ticket=ticket, author=make_user(), text="x")
    assert client.get(url("mail_original", "4711", note.pk)).status_code == 404


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("ticket", ()), ("ticket_news", ()), ("mail_frame", (1,)), ("mail_headers", (1,)),
        ("mail_original", (1,)), ("mail_state", (1,)), ("attachment", (1, 1)), ("preview", (1, 1)),
        ("remote_picture", (1,)), ("reply", ()), ("note", ()), ("signature", ()),
    ],
)  # fmt: skip
def test_foreign_tickets_do_not_exist(
    client: Client, ticket: Ticket, mail: TicketMessage, name: str, args: tuple[int, ...]
) -> None:
    assert ticket.account is not None
    ticket.account.employees.add(make_employee("Andere", user=make_user()))
    keys = {0: (), 1: (mail.pk,)}.get(len(args), (mail.pk, 1))
    assert client.get(url(name, "4711", *keys)).status_code == 404


def test_foreign_tickets_cannot_be_changed(client: Client, ticket: Ticket) -> None:
    closed = make_queue("Zu")
    closed.members.add(make_user())
    Ticket.objects.update(queue=closed)
    assert client.post(url("change", "4711"), {"feld": "status"}).status_code == 404
    assert client.post(url("reply", "4711"), {}).status_code == 404


def test_states_of_our_mails(client: Client, ticket: Ticket, petra: User) -> None:
    sent = send(ticket, petra)
    outgoing = sent.outgoing
    assert outgoing is not None
    state = url("mail_state", "4711", sent.pk)
    shown = page(client)
    assert "geplant" in shown
    assert f'data-poll="{state}?stand=scheduled"' in shown
    assert client.get(f"{state}?stand=scheduled").status_code == 204
    OutgoingMessage.objects.filter(pk=outgoing.pk).update(
        state="failed", next_attempt_at=None, last_reply="554 Nein"
    )
    changed = client.get(f"{state}?stand=scheduled").content.decode()
    assert "fehlgeschlagen" in changed
    assert "554 Nein" in changed
    assert "Erneut senden" in changed
    assert "data-poll" not in changed, "nothing more will happen by itself"
    again = client.post(url("retry", "4711", sent.pk), headers={"HX-Request": "true"})
    assert "wartet" in again.content.decode()
    outgoing.refresh_from_db()
    assert outgoing.state == "queued"


def test_who_was_refused_is_named(client: Client, ticket: Ticket, petra: User) -> None:
    sent = send(ticket, petra)
    assert sent.outgoing is not None
    sent.outgoing.recipients.update(state="refused", reply="550 unbekannt")
    OutgoingMessage.objects.update(state="sent", sent_at=timezone.now(), next_attempt_at=None)
    assert "hans@huber.example: 550 unbekannt" in page(client)


def test_news_of_a_ticket(client: Client, ticket: Ticket, mail: TicketMessage) -> None:
    news = url("ticket_news", "4711")
    assert client.get(news, {"nach": mail.pk}).status_code == 204
    assert client.get(news, {"nach": "x"}).status_code == 204
    make_mail(ticket, letter("Noch etwas"))
    shown = client.get(news, {"nach": mail.pk}).content.decode()
    assert "Neue Nachricht von Hans Huber" in shown
    anew = page(client, target="conversation")
    last = ticket.messages.order_by("pk").last()
    assert last is not None
    assert "Noch etwas" in anew
    assert f"{news}?nach={last.pk}" in anew, "the poll goes on from here"
    assert f'name="seen" id="composer-seen" value="{last.pk}"' in anew


def test_htmx_gets_both_panes_without_the_page(client: Client, mail: TicketMessage) -> None:
    shown = page(client, target="ticket")
    assert "<html" not in shown
    assert 'id="conversation"' in shown
    assert 'id="details"' in shown
    assert 'hx-swap-oob="outerHTML"' in shown
    assert 'id="list-pane"' not in shown


@pytest.mark.parametrize(
    ("name", "is_disguised"),
    [
        ("geschaeftsfuehrung@firma.example", True),
        ("Anna Chefin (chefin@firma.example)", True),
        ("HANS@huber.example", False),
        ("Hans Huber @ Huber GmbH", False),
    ],
)
def test_a_name_that_is_another_address_is_unmasked(
    client: Client, ticket: Ticket, name: str, is_disguised: bool
) -> None:
    make_mail(ticket, letter(sender=f'"{name}" <hans@huber.example>'))
    shown = page(client)
    warning = f"steht dort „{name}“, geschrieben hat aber hans@huber.example."
    assert (warning in shown) == is_disguised
    assert (f'<span class="strong">{name}</span>' in shown) == (not is_disguised)


def test_the_same_event_again_and_again_is_one_line(client: Client, ticket: Ticket) -> None:
    now = timezone.now()
    texts = ["Keine Antwort: Liste.", "Keine Antwort: Liste.", "Status neu → offen"]
    TicketEvent.objects.bulk_create(
        TicketEvent(ticket=ticket, kind="hint", text=text, created_at=now)
        for text in (*texts, texts[0])
    )
    shown = " ".join(page(client).split())
    assert shown.count("Keine Antwort: Liste.") == 2
    assert "Keine Antwort: Liste. <strong>2-mal</strong>" in shown


def test_another_ticket_of_the_customer_is_joined_from_the_details(
    client: Client, ticket: Ticket, mail: TicketMessage
) -> None:
    other = make_ticket(account=ticket.account, number="4712", customer_email="hans@huber.example")
    Ticket.objects.filter(pk=ticket.pk).update(customer_email="hans@huber.example")
    assert 'aria-label="Mit #4712 zusammenführen"' in page(client)
    client.post(url("merge", "4711"), {"ziel": "4712"})
    mail.refresh_from_db()
    assert mail.ticket == other


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"feld": "status", "status": "klaeren"}, "Status neu → klären"),
        ({"feld": "priority", "priority": 1}, "Priorität normal → niedrig"),
        ({"feld": "assignee", "assignee": "petra"}, "Verantwortlich – → Petra Klein"),
        ({"feld": "address", "address": "10042"}, "Adresse – → Huber GmbH"),
        ({"feld": "address", "address": "huber gmbh"}, "Adresse – → Huber GmbH"),
        ({"feld": "tags", "tags": "Eilt, "}, "Schlagwort „Eilt“ gesetzt"),
        ({"feld": "is_gdpr", "is_gdpr": "on"}, "DSGVO gesetzt"),
    ],
)
def test_each_attribute_changes_alone(
    client: Client, ticket: Ticket, petra: User, values: dict[str, object], line: str
) -> None:
    Address.objects.create(number="10042", name="Huber GmbH")
    if values.get("assignee") == "petra":
        values = values | {"assignee": petra.pk}
    shown = change(client, ticket, **values)
    assert [event.text for event in ticket.events.all()] == [line]
    assert ticket.events.get().actor == petra
    assert line in shown
    assert 'hx-swap-oob="beforeend:#conversation"' in shown
    assert f'id="row-{ticket.pk}"' in shown


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"feld": "status", "status": ""}, "Bitte wählen Sie einen Wert."),
        ({"feld": "status", "status": "quatsch"}, "quatsch"),
        ({"feld": "customer_email", "customer_email": "x"}, "lässt sich nicht ändern"),
        ({"feld": "address", "address": "Niemand"}, "Eine Adresse „Niemand“ gibt es nicht."),
        ({"feld": "address", "address": "Doppelt"}, "gibt es mehrfach"),
        ({"feld": "tags", "tags": "x" * 41}, "höchstens 40 Zeichen"),
        ({"feld": "assignee", "assignee": "0"}, "gültige Auswahl"),
    ],
)
def test_what_cannot_be_is_refused(
    client: Client, ticket: Ticket, values: dict[str, str], text: str
) -> None:
    for number in ("1", "2"):
        Address.objects.create(number=number, name="Doppelt")
    response = client.post(url("change", "4711"), values, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert text in response.content.decode()
    assert not ticket.events.exists()


def test_without_javascript_a_change_comes_back_to_the_ticket(
    client: Client, ticket: Ticket
) -> None:
    response = client.post(url("change", "4711"), {"feld": "status", "status": "offen"})
    assert response.headers["Location"] == "/tickets/4711/"


def test_other_tickets_of_the_customer_are_shown(client: Client, ticket: Ticket) -> None:
    make_ticket(subject="Früher schon einmal", status="abgeschlossen")
    make_ticket(subject="Jemand anders", customer_email="x@anders.example", assignee=make_user())
    details = page(client, target="ticket").partition('id="details"')[2]
    assert "Früher schon einmal" in details
    assert "Jemand anders" not in details


def test_the_auditor_reads_everything_and_changes_nothing(
    client: Client, ticket: Ticket, mail: TicketMessage, petra: User
) -> None:
    sent = send(ticket, petra)
    client.force_login(make_user(role="auditor"))
    shown = page(client)
    assert "Antworten</a>" not in shown
    assert "Abschließen" not in shown
    assert "Rückgängig" not in shown
    assert client.get(url("mail_frame", "4711", mail.pk)).status_code == 200
    for name, args in (
        ("change", ()),
        ("reply", ()),
        ("note", ()),
        ("undo", (sent.pk,)),
        ("retry", (sent.pk,)),
    ):
        assert client.post(url(name, "4711", *args), {}).status_code == 403
    assert client.get(url("reply", "4711")).status_code == 403


def test_wrong_methods(client: Client, ticket: Ticket, mail: TicketMessage) -> None:
    assert client.post("/tickets/4711/").status_code == 405
    assert client.post(url("mail_frame", "4711", mail.pk)).status_code == 405
    for name, args in (("change", ()), ("undo", (mail.pk,)), ("retry", (mail.pk,))):
        assert client.get(url(name, "4711", *args)).status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_conversation(
    client: Client, ticket: Ticket, mail: TicketMessage, petra: User
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, target="ticket")
        return len(queries)

    send(ticket, petra)
    page(client, target="ticket")
    few = count()
    for number in range(10):
        make_mail(ticket, letter(f"Nachricht {number}", files=(FILE,)))
        add_note(ticket=ticket, author=petra, text="x")
        send(ticket, petra, f"Antwort {number}")
    assert count() == few
    assert few <= 15
