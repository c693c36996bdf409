"""Messages the server refuses, withholds, cuts, loses or says are too large: the others arrive."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from intake import ledger
from intake.models import IntakeItem
from intake.poll import poll_account
from intake.set_aside import retry
from mailaccounts.models import AccountLink, MailAccount
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import State, again, check_once, link_of, states
from tests.servers.scripted import Peer
from tests.servers.scripted_mailbox import Mailbox

pytestmark = pytest.mark.django_db


def test_a_message_the_server_refuses_fails_alone(box: Mailbox, account: MailAccount) -> None:
    box.refused = {2}
    first = poll_account(account.pk)
    assert (first.error, first.counts.tickets, first.counts.failed) == (None, 2, 1)
    assert link_of(account).state == AccountLink.State.OK
    again(account)
    assert again(account).counts.quarantined == 1
    assert states() == {1: State.DONE, 2: State.QUARANTINED, 3: State.DONE}
    item = IntakeItem.objects.get(uid=2)
    assert item.error == "Der Server gibt den Inhalt nicht heraus. (FETCH failed: it is damaged)"
    box.refused.clear()
    assert retry(item)
    poll_account(account.pk)
    check_once(box, {1, 2, 3})


def test_a_message_left_out_of_the_answer_fails_alone(box: Mailbox, account: MailAccount) -> None:
    box.withheld = {3}
    assert poll_account(account.pk).counts.tickets == 2
    assert states()[3] == State.NOTED
    box.withheld.clear()
    again(account)
    check_once(box, {1, 2, 3})


def test_a_message_that_cuts_the_line_is_set_aside_and_the_others_arrive(
    box: Mailbox, account: MailAccount
) -> None:
    box.cut = {2}
    assert poll_account(account.pk).error is not None
    for _ in range(2):  # one by one: what comes after it does not wait for it
        poll_account(account.pk)
    assert states() == {1: State.DONE, 2: State.NOTED, 3: State.DONE}
    box.messages[4] = make_mail(4)
    assert poll_account(account.pk).error is None, "asked for again at once"
    for _ in range(3):
        again(account)
    item = IntakeItem.objects.get(uid=2)
    assert (item.state, item.error) == (State.QUARANTINED, ledger.INTERRUPTED)
    asked = len(box.bodies_asked)
    assert again(account).error is None
    assert len(box.bodies_asked) == asked
    box.cut.clear()
    assert retry(item)
    poll_account(account.pk)
    check_once(box, {1, 2, 3, 4})


def test_a_message_that_vanishes_between_list_and_fetch(box: Mailbox, account: MailAccount) -> None:
    async def vanish(peer: Peer) -> None:
        tag = peer.heard[-1].partition(" ")[0]
        gone = box.messages.pop(2)
        del box.answers["UID FETCH 1:3 (BODY"]
        await box.answer(peer, tag, peer.heard[-1].partition(" ")[2])
        assert gone

    box.answers["UID FETCH 1:3 (BODY"] = vanish
    assert poll_account(account.pk).error is None
    assert states() == {1: State.DONE, 2: State.GONE, 3: State.DONE}


def test_too_large_by_its_size_and_without_a_header(
    box: Mailbox, account: MailAccount, settings: Settings
) -> None:
    settings.MAX_MESSAGE_BYTES = 10_000
    box.sizes = {2: 20_000, 3: 20_000}
    box.refused = {3}
    summary = poll_account(account.pk)
    assert (summary.error, summary.counts.too_large, summary.counts.tickets) == (None, 2, 1)
    assert not any("2" in asked.split(":") for asked in box.bodies_asked if ":" in asked)
    items = {item.uid: item for item in IntakeItem.objects.filter(state=State.TOO_LARGE)}
    assert items[2].blob
    assert not items[3].blob
    box.refused.clear()
    assert retry(items[2])
    assert retry(items[3])
    poll_account(account.pk)
    check_once(box, {1, 2, 3})
