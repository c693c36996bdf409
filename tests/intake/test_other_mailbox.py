"""The same numbers, other messages: another mailbox behind an account, one that was set back."""

from __future__ import annotations

import pytest

from company.secrets import seal
from intake.ledger import open_items
from intake.models import IntakeItem
from intake.poll import poll_account
from mailaccounts.connect import imap_binding
from mailaccounts.models import MailAccount
from mailstore.blobs import delete_blob
from tests.factories import PASSWORD
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import scripted_account
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_mailbox import Mailbox, serving
from tickets.models import Ticket, TicketMessage

pytestmark = pytest.mark.django_db


def subjects() -> list[str]:
    return sorted(Ticket.objects.values_list("subject", flat=True))


def log_in_as(account: MailAccount, name: str) -> None:
    """What an admin saves who moves the account to another mailbox of the same server."""
    account.username = name
    account.imap_secret = seal(PASSWORD, imap_binding(account))
    account.save()


def test_another_mailbox_with_the_same_uidvalidity_is_fetched_from_its_start(
    box: Mailbox, server: ScriptedServer
) -> None:
    """Gmail gives every INBOX the UIDVALIDITY 1."""
    account = scripted_account(server, username="alt@firma.example")
    poll_account(account.pk)
    log_in_as(account, "neu@firma.example")
    box.messages = {uid: make_mail(uid + 10) for uid in (1, 2)}
    assert poll_account(account.pk).counts.done == 2
    assert subjects() == [f"Anfrage {number}" for number in (1, 11, 12, 2, 3)]
    box.messages[3] = make_mail(13)
    assert poll_account(account.pk).counts.done == 1
    log_in_as(account, "alt@firma.example")
    box.messages = {uid: make_mail(uid) for uid in (1, 2, 3, 4)}
    poll_account(account.pk)
    assert subjects() == [f"Anfrage {number}" for number in (1, 11, 12, 13, 2, 3, 4)]
    assert TicketMessage.objects.count() == 7


def test_the_same_mailbox_under_another_name_is_not_fetched_again(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, username="info")
    poll_account(account.pk)
    log_in_as(account, "info@firma.example")
    box.messages[4] = make_mail(4)
    asked = len(box.bodies_asked)
    assert poll_account(account.pk).counts.done == 1
    assert box.bodies_asked[asked:] == ["4"]
    heard = len(server.heard)
    poll_account(account.pk)
    assert not [line for line in server.heard[heard:] if "EXAMINE" in line], "looked at once more"


def test_what_is_to_be_deleted_in_one_mailbox_is_not_deleted_in_another(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, username="alt", delete_on_server=True)
    box.answers["UID STORE"] = "{tag} NO not now\r\n"
    assert poll_account(account.pk).error is not None
    box.answers.clear()
    log_in_as(account, "neu")
    box.messages = {uid: make_mail(uid + 10) for uid in (1, 2, 3)}
    box.withheld = {2}
    assert poll_account(account.pk).counts.deleted == 2
    assert set(box.messages) == {2}, "this one is not here yet"


def test_bytes_that_are_lost_are_not_taken_from_the_message_that_has_the_number_now(
    box: Mailbox, account: MailAccount
) -> None:
    poll_account(account.pk)
    item = IntakeItem.objects.get(uid=2)
    IntakeItem.objects.filter(pk=item.pk).update(state="noted", attempts=1, message=None)
    box.uidvalidity, box.messages = 8, {uid: make_mail(uid + 10) for uid in (1, 2, 3)}
    delete_blob(item.blob)
    assert item in open_items(item.folder, 8)
    poll_account(account.pk)
    item.refresh_from_db()
    assert (item.state, item.message) == (IntakeItem.State.GONE, None)


@pytest.mark.parametrize("deletes", [True, False])
def test_numbers_given_out_a_second_time_lose_no_mail(
    box: Mailbox, server: ScriptedServer, deletes: bool
) -> None:
    """A server set back to yesterday's backup, or one whose UIDNEXT is the last message's and one."""
    account = scripted_account(server, delete_on_server=deletes)
    poll_account(account.pk)
    box.messages = {} if deletes else {1: box.messages[1]}
    poll_account(account.pk)
    box.messages[2] = make_mail(22)
    assert poll_account(account.pk).counts.done == 1
    assert subjects() == ["Anfrage 1", "Anfrage 2", "Anfrage 22", "Anfrage 3"]
    assert box.bodies_asked == ["1:3", "2"], "asked for what it has"
    box.messages[3] = make_mail(3)  # this one was here before
    poll_account(account.pk)
    assert TicketMessage.objects.count() == 4
    if deletes:
        assert box.messages == {}
    heard = len(server.heard)
    poll_account(account.pk)
    assert deletes or not [line for line in server.heard[heard:] if "EXAMINE" in line]


class Boasting(Mailbox):
    """Names a UIDNEXT that is too high, or too low."""

    named = 100
    lowered = 0

    @property
    def uidnext(self) -> int:
        return self.lowered or max(self.named, max(self.messages, default=0) + 1)


def test_a_number_announced_too_high_hides_no_mail(box: Mailbox) -> None:
    boasting = Boasting(dict(box.messages))
    with serving(boasting) as server:
        account = scripted_account(server)
        poll_account(account.pk)
        heard = len(server.heard)
        poll_account(account.pk)
        assert not [line for line in server.heard[heard:] if "EXAMINE" in line], "gaps were seen"
        boasting.named = 0
        boasting.messages |= {uid: make_mail(uid) for uid in (4, 5)}
        poll_account(account.pk)
    assert subjects() == [f"Anfrage {number}" for number in (1, 2, 3, 4, 5)]
    assert TicketMessage.objects.count() == 5


def test_a_number_announced_too_low_moves_nothing(box: Mailbox) -> None:
    boasting = Boasting(dict(box.messages), 7)
    boasting.named = 0
    with serving(boasting) as server:
        account = scripted_account(server)
        poll_account(account.pk)
        boasting.lowered = 2
        poll_account(account.pk)
    assert set(IntakeItem.objects.values_list("uidvalidity", flat=True)) == {7}
    assert boasting.bodies_asked == ["1:3"]


def test_what_was_open_under_a_number_given_out_again_is_gone(
    box: Mailbox, account: MailAccount
) -> None:
    box.withheld = {3}
    poll_account(account.pk)
    box.messages = {1: box.messages[1]}
    poll_account(account.pk)
    assert IntakeItem.objects.get(uid=3).state == IntakeItem.State.GONE


def test_what_cannot_be_deleted_any_more_costs_no_look(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, delete_on_server=True)
    box.answers["UID STORE"] = "{tag} NO not now\r\n"
    poll_account(account.pk)
    box.answers.clear()
    box.uidvalidity, box.messages = 8, {}
    poll_account(account.pk)
    heard = len(server.heard)
    poll_account(account.pk)
    assert not [line for line in server.heard[heard:] if "EXAMINE" in line]
