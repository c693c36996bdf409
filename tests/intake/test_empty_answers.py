"""A server that hands out nothing where a message is: that is no message, and nothing is deleted."""

from __future__ import annotations

import pytest

from intake.models import IntakeItem
from intake.poll import poll_account
from intake.set_aside import retry
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import again, check_once, scripted_account, states
from tests.servers.scripted import Peer
from tests.servers.scripted_mailbox import Mailbox, serving
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


class Hollow(Mailbox):
    """Its second message has a size and no content."""

    said = "NIL"

    async def _hand_out(self, peer: Peer, uid: int, number: int, command: str) -> None:
        if uid == 2 and self.said and "BODY.PEEK[]" in command:
            await peer.say(f"* {number} FETCH (UID {uid} BODY[] {self.said})\r\n")
        else:
            await super()._hand_out(peer, uid, number, command)


@pytest.mark.parametrize("said", ["NIL", '""', "{0}\r\n"])
def test_a_message_without_content_is_set_aside_and_fetched_later(said: str) -> None:
    box = Hollow({uid: make_mail(uid) for uid in (1, 2, 3)})
    box.said = said
    mails = dict(box.messages)
    with serving(box) as server:
        account = scripted_account(server, delete_on_server=True)
        poll_account(account.pk)
        assert (states(), set(box.messages)) == ({1: "done", 2: "noted", 3: "done"}, {2})
        again(account)
        again(account)
        item = IntakeItem.objects.get(uid=2)
        assert (item.state, item.blob) == ("quarantined", "")
        assert "gibt den Inhalt nicht heraus" in item.error
        assert Ticket.objects.count() == 2
        box.said = ""
        assert retry(item)
        poll_account(account.pk)
    assert box.messages == {}
    box.messages = mails
    check_once(box, {1, 2, 3})


def test_a_message_that_is_empty_is_one(box: Mailbox) -> None:
    box.messages[2] = b""
    with serving(box) as server:
        account = scripted_account(server)
        poll_account(account.pk)
    assert states() == {1: "done", 2: "done", 3: "done"}
