"""Deleting and renumbering on the server while it misbehaves: only what was taken over goes."""

from __future__ import annotations

import pytest

from intake.poll import poll_account
from mailaccounts.models import MailAccount
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import link_of, scripted_account
from tests.servers.scripted import Peer, ScriptedServer, drop
from tests.servers.scripted_mailbox import Mailbox
from tickets.models import Ticket, TicketMessage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("dates", ["kept", "new"])
def test_uidvalidity_changes_between_status_and_select(
    box: Mailbox, account: MailAccount, dates: str
) -> None:
    poll_account(account.pk)

    async def renumber(peer: Peer) -> None:
        tag = peer.heard[-1].partition(" ")[0]
        del box.answers["EXAMINE"]
        box.uidvalidity = 8
        box.messages = {uid + 10: raw for uid, raw in box.messages.items()}
        box.messages[20] = make_mail(20)
        if dates == "new":
            box.item_names = ("UID", "RFC822.SIZE")
        await box.answer(peer, tag, peer.heard[-1].partition(" ")[2])

    box.messages[4] = make_mail(4)
    box.answers["EXAMINE"] = renumber
    summary = poll_account(account.pk)
    assert (summary.error, summary.counts.done) == (None, 2), "the known ones were taken over again"
    assert poll_account(account.pk).counts.done == 0
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == sorted(
        f"Anfrage {number}" for number in (1, 2, 3, 4, 20)
    )
    assert TicketMessage.objects.count() == 5


def test_the_renumbering_of_a_mailbox_between_commit_and_deletion_deletes_nothing_else(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, delete_on_server=True)

    async def renumber(peer: Peer) -> None:
        tag = peer.heard[-1].partition(" ")[0]
        box.uidvalidity = 8
        box.messages = {1: make_mail(11), 2: make_mail(12), 13: box.messages[3]}
        del box.answers["SELECT"]
        await box.answer(peer, tag, peer.heard[-1].partition(" ")[2])

    box.answers["SELECT"] = renumber
    poll_account(account.pk)
    assert box.deleted == set()
    poll_account(account.pk)
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == [
        *("Anfrage 1", "Anfrage 11", "Anfrage 12", "Anfrage 2", "Anfrage 3")
    ]
    assert box.messages == {}, "the ones that were taken over, under their new numbers"


def test_without_uidplus_only_the_flag(box: Mailbox, server: ScriptedServer) -> None:
    """What the server offers after the login counts."""
    box.after_login = "IMAP4rev1"
    account = scripted_account(server, delete_on_server=True)
    assert poll_account(account.pk).counts.deleted == 3
    assert box.deleted == {1, 2, 3}
    assert not [line for line in server.heard if "EXPUNGE" in line or "CLOSE" in line]
    poll_account(account.pk)
    assert len([line for line in server.heard if "STORE" in line]) == 1


def test_uidplus_offered_after_the_login_is_used(box: Mailbox, server: ScriptedServer) -> None:
    box.capabilities, box.after_login = "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 UIDPLUS"
    account = scripted_account(server, delete_on_server=True)
    poll_account(account.pk)
    assert box.messages == {}


def test_a_refused_deletion_is_finished_later(box: Mailbox, server: ScriptedServer) -> None:
    account = scripted_account(server, delete_on_server=True)
    box.answers["UID EXPUNGE"] = drop
    assert poll_account(account.pk).error is not None
    assert Ticket.objects.count() == 3
    box.answers.clear()
    assert poll_account(account.pk).counts.deleted == 3
    assert box.messages == {}
    assert Ticket.objects.count() == 3


def test_a_mailbox_that_lets_nothing_be_deleted_is_fetched_at_the_usual_times(
    box: Mailbox, server: ScriptedServer
) -> None:
    account = scripted_account(server, delete_on_server=True)
    box.answers["UID STORE"] = "{tag} NO [NOPERM] not allowed\r\n"
    for count in (3, 4):
        assert poll_account(account.pk).error is not None
        assert (link_of(account).state, link_of(account).next_attempt_at) == ("failing", None)
        assert Ticket.objects.count() == count
        box.messages[4] = make_mail(4)
    assert len(box.messages) == 4
    box.answers.clear()
    assert poll_account(account.pk).counts.deleted == 4
    assert link_of(account).state == "ok"
