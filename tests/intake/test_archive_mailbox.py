"""„Eingehende E-Mails weiterleiten an“: every mail once, whatever its Message-ID says, and no loop."""

from __future__ import annotations

import pytest
from django.utils import timezone

from intake.poll import poll_account
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import scripted_account
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def test_a_repeated_message_id_hides_no_mail(box: Mailbox, server: ScriptedServer) -> None:
    """Scanners and shops give all their mails the same one; a stranger may choose ours."""
    account = scripted_account(server, archive_forward_to="archiv@extern.example")
    repeated = "<scan@geraet.example>"
    box.messages = {
        1: make_mail(1, Message_ID=repeated),
        2: make_mail(2, Message_ID=repeated),
        3: make_mail(1, Message_ID=repeated, sender="boese@fremd.example"),
        4: b"Received: from a by b\r\n" + make_mail(1, Message_ID=repeated),
    }
    poll_account(account.pk)
    forwarded = OutgoingMessage.objects.filter(origin="forward").order_by("pk")
    assert [read_raw(one.message) for one in forwarded] == [box.messages[uid] for uid in (1, 2, 3)]


def returned(number: int, inner: bytes, *, recipient: str = "archiv@extern.example") -> bytes:
    """What the server of a dead mailbox sends back."""
    told = f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    return (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@extern.example\r\nTo: info@firma.example\r\n"
        b"Subject: Unzustellbar\r\nMessage-ID: <dsn-%d@extern.example>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b%d"\r\n\r\n'
        b"--b%d\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n%s\r\n"
        b"--b%d\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--b%d--\r\n"
    ) % (number, number, number, told.encode(), number, inner, number)


def test_a_dead_archive_mailbox_starts_no_loop(box: Mailbox, server: ScriptedServer) -> None:
    """What it returns is not sent to it again, shown at the copy and no ticket."""
    account = scripted_account(server, archive_forward_to="archiv@extern.example")
    box.messages = {1: make_mail(1)}
    poll_account(account.pk)
    for number in range(2, 6):
        newest = OutgoingMessage.objects.filter(origin="forward").latest("pk")
        OutgoingMessage.objects.filter(pk=newest.pk).update(
            state="sent", sent_at=timezone.now(), next_attempt_at=None
        )
        box.messages[number] = returned(number, read_raw(newest.message))
        poll_account(account.pk)
    outgoing = OutgoingMessage.objects.get(origin="forward")
    assert outgoing.state == "bounced"
    assert list(Ticket.objects.values_list("subject", flat=True)) == ["Anfrage 1"]


def test_nor_does_one_that_passes_its_mail_on_to_a_dead_one(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, archive_forward_to="archiv@extern.example")
    box.messages = {1: make_mail(1)}
    poll_account(account.pk)
    box.messages[2] = returned(2, make_mail(1), recipient="dahinter@extern.example")
    poll_account(account.pk)
    assert OutgoingMessage.objects.filter(origin="forward").count() == 1


def test_what_the_archive_mailbox_writes_itself_does_not_go_back(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, archive_forward_to="Archiv@extern.example")
    box.messages = {
        1: make_mail(1, sender="archiv@extern.example", subject="Abwesend"),
        2: returned(2, make_mail(9), recipient="hans@huber.example"),
    }
    poll_account(account.pk)
    forwarded = OutgoingMessage.objects.get(origin="forward")
    assert read_raw(forwarded.message) == box.messages[2], "a report about other mail is kept there"
