"""„Eingehende E-Mails weiterleiten an“: every mail once, whatever its Message-ID says."""

from __future__ import annotations

import pytest

from intake.poll import poll_account
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import scripted_account
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox

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
