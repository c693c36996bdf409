"""„Testmail“: queued on the ordinary way out, watched on its own page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/postausgang/testmail/"


def test_a_test_mail_is_queued_through_the_chosen_account(client: Client) -> None:
    admin = make_user("chefin", role="admin")
    client.force_login(admin)
    make_account("eins@firma.example", is_default=True)
    account = make_account("zwei@firma.example", display_name="Verkauf")
    response = client.post(PAGE, {"account": account.pk, "to": "ich@anderswo.example"})
    outgoing = OutgoingMessage.objects.get()
    assert response["Location"] == reverse("outbox:test_mail_sent", args=[outgoing.pk])
    assert (outgoing.account, outgoing.origin, outgoing.created_by) == (account, "test", admin)
    assert [recipient.email for recipient in outgoing.recipients.all()] == ["ich@anderswo.example"]
    raw = read_raw(outgoing.message)
    assert b"From: Verkauf <zwei@firma.example>" in raw
    assert b"Auto-Submitted: auto-generated" in raw
    page = client.get(response["Location"]).content.decode()
    assert "wartet" in page
    assert 'hx-trigger="load delay:2s"' in page
    OutgoingMessage.objects.update(
        state="failed", error_kind="sender_refused", next_attempt_at=None, last_reply="553 no"
    )
    part = client.get(response["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "Der Server erlaubt diesen Absender nicht." in part
    assert "553 no" in part
    assert "hx-trigger" not in part
    assert "<html" not in part


def test_what_cannot_be_sent_is_refused(client: Client) -> None:
    client.force_login(make_user(role="admin"))
    assert "braucht es einen E-Mail Account mit SMTP" in client.get(PAGE).content.decode()
    account = make_account()
    for to in ("", "niemand", "a@b\r\nBcc: c@d.example"):
        assert client.post(PAGE, {"account": account.pk, "to": to}).status_code == 422
    assert client.post(PAGE, {"account": 99, "to": "a@b.example"}).status_code == 422
    assert not OutgoingMessage.objects.exists()


def test_test_mails_are_the_administrators(client: Client) -> None:
    account = make_account()
    client.force_login(make_user(role="staff"))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"account": account.pk, "to": "a@b.example"}).status_code == 403
