"""What a composer may be given: refused at its field or parked with a reason, and nothing half sent."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailaccounts import links
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.servers.smtp_sink import Sink
from tests.tickets.test_views_composing import HTMX, open_form, petra, ticket, url
from tickets.models import Ticket, TicketMessage

__all__ = ["petra", "ticket"]  # fixtures

pytestmark = pytest.mark.django_db

INJECTION = "x\r\nBcc: opfer@fremd.example"


def _account(ticket: Ticket) -> MailAccount:
    assert ticket.account is not None
    return ticket.account


def _nothing_happened(ticket: Ticket) -> bool:
    ticket.refresh_from_db()
    outgoing = StoredMessage.objects.filter(direction=StoredMessage.Direction.OUTGOING)
    return not (
        OutgoingMessage.objects.exists()
        or outgoing.exists()
        or TicketMessage.objects.filter(kind="out").exists()
        or ticket.status != "offen"
    )


@pytest.mark.parametrize("name", ["sender", "to", "cc", "bcc"])
@pytest.mark.parametrize("evil", [INJECTION, "a@x.example\nCc: b@x.example", "a@x.example\0"])
def test_no_header_is_smuggled_in_through_an_address(
    name: str, evil: str, client: Client, ticket: Ticket
) -> None:
    values = open_form(client) | {"text": "Guten Tag", name: evil}
    response = client.post(url("reply"), values, headers=HTMX)
    if response.status_code == 200:  # „a@x\nCc: …“ may be read as addresses: then as nothing else
        raw = read_raw(OutgoingMessage.objects.get().message)
        assert b"\nBcc:" not in raw
        assert raw.count(b"\nCc:") <= 1
        return
    assert response.status_code == 422
    assert _nothing_happened(ticket)


def test_a_line_break_in_the_subject_becomes_a_blank(client: Client, ticket: Ticket) -> None:
    values = open_form(client) | {"text": "Guten Tag", "subject": f"Ware {INJECTION}"}
    assert client.post(url("reply"), values, headers=HTMX).status_code == 200
    outgoing = OutgoingMessage.objects.get()
    header = read_raw(outgoing.message).partition(b"\r\n\r\n")[0]
    assert b"\nBcc:" not in header
    assert {one.email for one in outgoing.recipients.all()} == {"hans@huber.example"}


def test_a_file_name_adds_no_header(client: Client, ticket: Ticket) -> None:
    file = SimpleUploadedFile('a"\r\nX-Evil: 1.txt', b"x")
    client.post(url("reply"), open_form(client) | {"text": "x", "uploads": [file]}, headers=HTMX)
    for outgoing in OutgoingMessage.objects.all():
        assert b"\nX-Evil" not in read_raw(outgoing.message)


def test_too_large_for_the_server_is_said_at_the_attachments(
    client: Client, ticket: Ticket
) -> None:
    account = _account(ticket)
    links.take_lease(account.pk, "out")
    links.remember_max_size(account.pk, 40_000)
    file = SimpleUploadedFile("Plan.pdf", b"x" * 60_000)
    values = open_form(client) | {"text": "anbei", "uploads": [file]}
    response = client.post(url("reply"), values, headers=HTMX)
    assert response.status_code == 422
    error = response.content.decode().partition('id="composer-uploads_error"')[2][:600]
    assert "nimmt höchstens 39,1" in error
    assert _nothing_happened(ticket)


def test_a_file_that_has_vanished_is_said(client: Client, ticket: Ticket) -> None:
    values = open_form(client, "forward") | {"to": "lager@firma.example", "text": "x"}
    StoredMessage.objects.update(sha256="0" * 64)
    response = client.post(url("forward"), values, headers=HTMX)
    assert response.status_code == 422
    error = response.content.decode().partition('id="composer-uploads_error"')[2][:400]
    assert "nicht mehr vorhanden" in error
    assert _nothing_happened(ticket)


def test_an_answer_of_a_paused_account_waits_and_says_so(
    client: Client, ticket: Ticket, smtp_sink: Sink
) -> None:
    account = _account(ticket)
    MailAccount.objects.filter(pk=account.pk).update(
        smtp_port=smtp_sink.port, paused_at=timezone.now()
    )
    assert (
        client.post(url("reply"), open_form(client) | {"text": "x"}, headers=HTMX).status_code
        == 200
    )
    OutgoingMessage.objects.update(state="queued", next_attempt_at=timezone.now())
    assert deliver_account(account.pk).total == 0
    outgoing = OutgoingMessage.objects.get()
    page = client.get(reverse("outbox:detail", args=[outgoing.pk]))
    if page.status_code == 200:
        assert "ist pausiert" in page.content.decode()
    at_ticket = client.get(reverse("tickets:ticket", args=[ticket.number])).content.decode()
    assert "ist pausiert" in at_ticket
    MailAccount.objects.filter(pk=account.pk).update(paused_at=None)
    assert deliver_account(account.pk).sent == 1


def test_written_anew_from_a_failed_answer(client: Client, ticket: Ticket) -> None:
    file = SimpleUploadedFile("Plan.pdf", b"%PDF-plan")
    first = open_form(client) | {
        "text": "<p>Guten <b>Tag</b></p>",
        "cc": '"Müller, Zoë" <zoe@kunde.example>',
        "bcc": "chef@firma.example",
        "uploads": [file],
    }
    client.post(url("reply"), first, headers=HTMX)
    failed = OutgoingMessage.objects.get()
    OutgoingMessage.objects.update(state="failed", next_attempt_at=None)
    answer = TicketMessage.objects.get(kind="out")

    page = client.get(
        url("reply"), {"als_neu": answer.pk}, headers={**HTMX, "HX-Target": "composer"}
    )
    form = page.context["composer"].form
    assert form["to"].value() == "Hans Huber <hans@huber.example>"
    assert form["cc"].value() == '"Müller, Zoë" <zoe@kunde.example>'
    assert form["bcc"].value() == "chef@firma.example"
    assert "<b>Tag</b>" in form["text"].value()
    assert [str(pk) for pk in form["kept"].value()]
    names = ("sender", "to", "cc", "bcc", "subject", "text", "once_key", "seen", "status_after")
    values = {name: form[name].value() for name in (*names, "kept", "replaces")}
    values |= {"to": "hans@huber-neu.example"}
    assert client.post(url("reply"), values, headers=HTMX).status_code == 200

    new = OutgoingMessage.objects.exclude(pk=failed.pk).get()
    assert new.replaces == failed
    failed.refresh_from_db()
    assert failed.state == "failed"
    parsed = new.message
    assert parsed.attachments.get(is_inline=False).filename == "Plan.pdf"
    assert parsed.text.count("Wo ist die Ware?") == 1  # the quote is not quoted again


def test_only_answers_of_this_ticket_are_written_anew(client: Client, ticket: Ticket) -> None:
    for wanted in ("999999", "x", ""):
        page = client.get(
            url("reply"), {"als_neu": wanted}, headers={**HTMX, "HX-Target": "composer"}
        )
        assert page.context["composer"].form["replaces"].value() is None
