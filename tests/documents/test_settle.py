"""A document is „versendet“ while at least one dispatch succeeded, and not a moment longer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import BouncedEmail, Notification
from documents.dispatch_content import Channel
from documents.models import Dispatch, Document
from documents.settle import settle_dispatches
from outbox.models import OutgoingMessage
from tests.documents.sending import make_invoice, make_office, send, state_of

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


def becomes(row: Dispatch, state: OutgoingMessage.State) -> None:
    """The outbox's verdict on the mail of a dispatch."""
    assert row.outgoing_id is not None
    OutgoingMessage.objects.filter(pk=row.outgoing_id).update(
        state=state,
        sent_at=timezone.now() if state == State.SENT else None,
        next_attempt_at=timezone.now(),
        claimed_until=timezone.now(),
    )


@pytest.mark.parametrize(
    ("state", "dispatch", "document"),
    [
        (State.SENT, Dispatch.State.DONE, Document.State.SENT),
        (State.FAILED, Dispatch.State.FAILED, Document.State.RELEASED),
        (State.BOUNCED, Dispatch.State.FAILED, Document.State.RELEASED),
        (State.CANCELLED, Dispatch.State.FAILED, Document.State.RELEASED),
        (State.UNCERTAIN, Dispatch.State.PENDING, Document.State.RELEASED),
        (State.RETRY, Dispatch.State.PENDING, Document.State.RELEASED),
        (State.SENDING, Dispatch.State.PENDING, Document.State.RELEASED),
        (State.QUEUED, Dispatch.State.PENDING, Document.State.RELEASED),
    ],
)
def test_only_what_the_server_took_makes_a_document_sent(
    state: OutgoingMessage.State, dispatch: str, document: str
) -> None:
    invoice = make_invoice()
    (row,) = send(make_office(), invoice)
    becomes(row, state)
    changed = settle_dispatches()
    assert changed == (dispatch != Dispatch.State.PENDING)
    row.refresh_from_db()
    assert (row.state, state_of(invoice)) == (dispatch, document)
    assert settle_dispatches() == 0


def test_a_bounce_of_the_only_success_takes_it_back() -> None:
    invoice = make_invoice()
    (row,) = send(make_office(), invoice)
    becomes(row, State.SENT)
    settle_dispatches()
    becomes(row, State.BOUNCED)
    assert settle_dispatches() == 1
    assert state_of(invoice) == Document.State.RELEASED


def test_a_bounce_beside_another_success_takes_nothing_back() -> None:
    invoice = make_invoice()
    rows = send(make_office(), invoice, Channel.MAIL, Channel.PHONE)
    becomes(rows[0], State.SENT)
    settle_dispatches()
    becomes(rows[0], State.BOUNCED)
    settle_dispatches()
    rows[0].refresh_from_db()
    assert rows[0].state == Dispatch.State.FAILED
    assert state_of(invoice) == Document.State.SENT


def test_trying_again_in_the_outbox_counts() -> None:
    invoice = make_invoice()
    (row,) = send(make_office(), invoice)
    becomes(row, State.FAILED)
    settle_dispatches()
    becomes(row, State.QUEUED)
    settle_dispatches()
    row.refresh_from_db()
    assert row.state == Dispatch.State.PENDING
    becomes(row, State.SENT)
    settle_dispatches()
    assert state_of(invoice) == Document.State.SENT


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.FAILED, "wurde nicht zugestellt"),
        (State.BOUNCED, "wurde nicht zugestellt"),
        (State.UNCERTAIN, "ist unklar"),
        (State.CANCELLED, ""),
        (State.SENT, ""),
    ],
)
def test_the_sender_is_told_of_a_failure_once(state: OutgoingMessage.State, words: str) -> None:
    invoice = make_invoice()
    office = make_office()
    (row,) = send(office, invoice)
    becomes(row, state)
    settle_dispatches()
    settle_dispatches()  # a second look tells nothing more
    notes = Notification.objects.filter(user=office.user)
    assert notes.count() == bool(words)
    for note in notes:
        assert words in note.text
        assert str(invoice) in note.text
        assert note.url == reverse("documents:detail", args=[invoice.pk])


def test_the_dialog_warns_of_an_address_that_mail_came_back_from(client: Client) -> None:
    invoice, office = make_invoice(), make_office()
    client.force_login(office.user)
    page = reverse("documents:dispatch", args=[invoice.pk])
    assert "5.1.1 weg" not in client.get(page).content.decode()
    BouncedEmail.objects.create(
        email="hans@huber.example", reason="5.1.1 weg", bounced_at=timezone.now()
    )
    assert "5.1.1 weg" in client.get(page).content.decode()
