"""Polling servers that misbehave: nothing is lost, nothing comes twice, nobody else is held up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from intake import ledger
from intake.due import due_accounts
from intake.models import FolderCursor, IntakeItem
from intake.poll import PollSummary, poll_account
from intake.set_aside import retry
from mailaccounts import links
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from mailcore.errors import Kind
from mailstore.read import read_raw
from tests.factories import make_account
from tests.intake.mailbox import make_mail
from tests.servers.scripted import Answer, Peer, ScriptedServer, drop, say_and_drop, silence
from tests.servers.scripted_mailbox import Mailbox, serving
from tickets.models import Ticket, TicketMessage

State = IntakeItem.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def box() -> Mailbox:
    return Mailbox({uid: make_mail(uid) for uid in (1, 2, 3)})


@pytest.fixture
def server(box: Mailbox, settings: Settings) -> Iterator[ScriptedServer]:
    settings.SERVER_TIMEOUT = 0.5
    with serving(box) as running:
        yield running


@pytest.fixture
def account(server: ScriptedServer) -> MailAccount:
    return scripted_account(server)


def scripted_account(
    server: ScriptedServer, email: str = "info@firma.example", **values: Any
) -> MailAccount:
    return make_account(
        email,
        imap_host="127.0.0.1",
        imap_port=server.port,
        imap_encryption="none",
        tickets_enabled=True,
        since_date=None,
        **values,
    )


def states() -> dict[int, str]:
    return dict(IntakeItem.objects.order_by("uid").values_list("uid", "state"))


def link_of(account: MailAccount) -> AccountLink:
    return AccountLink.objects.get(account=account, direction="in")


def check_once(box: Mailbox, uids: set[int]) -> None:
    """These mails are tickets, once each, byte for byte, and their ledger rows say so."""
    done = IntakeItem.objects.filter(state=State.DONE).select_related("message")
    assert {item.uid: read_raw(item.message) for item in done if item.message} == {
        uid: box.messages[uid] for uid in uids
    }
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == [
        f"Anfrage {uid}" for uid in sorted(uids)
    ]
    assert TicketMessage.objects.count() == len(uids)


def test_the_last_message_is_not_taken_twice_for_new(box: Mailbox, account: MailAccount) -> None:
    """„4:*“ also names message 3; a server that keeps its UIDNEXT to itself is asked each time."""
    box.tells_uidnext = False
    poll_account(account.pk)
    assert poll_account(account.pk).counts.noted == 0
    check_once(box, {1, 2, 3})


def hide_sizes(box: Mailbox) -> None:
    box.item_names = ("UID", "INTERNALDATE")


def hide_dates(box: Mailbox) -> None:
    box.item_names = ("UID", "RFC822.SIZE")


def hide_both(box: Mailbox) -> None:
    box.item_names = ("UID",)


def hide_uidnext(box: Mailbox) -> None:
    box.tells_uidnext = False


def lie_about_sizes(box: Mailbox) -> None:
    box.sizes = {1: 0, 2: 10, 3: 4_000_000}


def garble_dates(box: Mailbox) -> None:
    box.dates = {1: "gestern", 2: "01-Jan-0001 00:00:00 +1400", 3: "31-Dec-9999 23:00:00 -1200"}


def chat(box: Mailbox) -> None:
    box.chatter = (
        "* 3 FETCH (FLAGS (\\Seen))\r\n* 9 EXISTS\r\n* 2 EXPUNGE\r\n* 2 RECENT\r\n"
        "* OK [ALERT] the disk is nearly full\r\n* 1 FETCH (UID 900 FLAGS (\\Deleted))\r\n"
    )


def double_answers(box: Mailbox) -> None:
    box.answers["UID SEARCH"] = "* SEARCH 3 1 2 3 1\r\n{tag} OK done\r\n"


def split_answers(box: Mailbox) -> None:
    box.answers["UID SEARCH"] = "* SEARCH 3\r\n* SEARCH 2 1\r\n{tag} OK done\r\n"


@pytest.mark.parametrize(
    "misbehave",
    [
        *(hide_sizes, hide_dates, hide_both, hide_uidnext, lie_about_sizes, garble_dates, chat),
        *(double_answers, split_answers),
    ],
)
def test_odd_answers_lose_and_double_nothing(
    box: Mailbox, account: MailAccount, misbehave: Callable[[Mailbox], None]
) -> None:
    misbehave(box)
    assert poll_account(account.pk).error is None
    assert poll_account(account.pk).counts.done == 0
    check_once(box, {1, 2, 3})
    assert FolderCursor.objects.get().last_uid == 3


@pytest.mark.parametrize("answer", ["{tag} NO not now\r\n", "{tag} BAD what?\r\n"])
@pytest.mark.parametrize(
    "command", ["STATUS", "EXAMINE", "UID SEARCH", "UID FETCH", "AUTHENTICATE"]
)
def test_a_refused_command_is_the_accounts_failure_and_passes(
    box: Mailbox, account: MailAccount, command: str, answer: str
) -> None:
    box.messages |= {uid: make_mail(uid) for uid in range(4, 9)}
    box.answers[command] = answer
    summary = poll_account(account.pk)
    assert summary.error is not None
    assert link_of(account).failures == 1
    del box.answers[command]
    poll_account(account.pk)
    check_once(box, set(range(1, 9)))
    assert link_of(account).state == AccountLink.State.OK


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (drop, Kind.DISCONNECTED),
        (silence, Kind.TIMEOUT),
        (say_and_drop("* BYE shutting down\r\n"), Kind.DISCONNECTED),
        (say_and_drop("* 1 FETCH (UID 1 BODY[] {900}\r\nhalf of i"), Kind.DISCONNECTED),
        ("* 1 FETCH (UID 1 BODY[] {900}\r\nhalf of i", Kind.TIMEOUT),
        ("* 1 FETCH (UID 1 BODY[] {5}\r\nmore than five bytes)\r\n{tag} OK\r\n", None),
        ("\x00\xff garbage\r\n", Kind.SERVER_ERROR),
    ],
    ids=["drop", "silence", "bye", "half-close", "half-silence", "literal-lies", "garbage"],
)
@pytest.mark.parametrize("command", ["STATUS", "UID FETCH 1:3 (BODY"])
def test_a_broken_line_loses_and_doubles_nothing(
    box: Mailbox, account: MailAccount, command: str, answer: Answer, kind: Kind | None
) -> None:
    box.answers[command] = answer
    failed = poll_account(account.pk).error
    assert failed is not None
    assert kind is None or failed.kind is kind
    box.answers.clear()
    poll_account(account.pk)
    check_once(box, {1, 2, 3})


async def drip(peer: Peer) -> None:
    await peer.say("* 1 FETCH (UID 1 BODY[] {100000}\r\n")
    while True:
        await peer.say("x")
        await asyncio.sleep(0.02)


async def chatter(peer: Peer) -> None:
    while True:
        await peer.say("* OK one moment please\r\n" * 100)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [drip, chatter])
def test_who_never_ends_an_answer_holds_no_worker(
    box: Mailbox, account: MailAccount, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailcore.imap_connection._MAX_LINE_BYTES", 1000)
    box.answers["UID FETCH 1:3 (BODY"] = answer
    summary = poll_account(account.pk)  # would never come back
    assert summary.error is not None
    assert summary.error.kind is Kind.TIMEOUT
    box.answers.clear()
    poll_account(account.pk)
    check_once(box, {1, 2, 3})


def test_logout_is_not_waited_for_long(
    box: Mailbox, account: MailAccount, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SERVER_TIMEOUT = 3600
    monkeypatch.setattr("mailcore.imap._LOGOUT_SECONDS", 0.2)
    box.answers["LOGOUT"] = silence
    assert poll_account(account.pk).error is None  # would take an hour
    check_once(box, {1, 2, 3})


def again(account: MailAccount) -> PollSummary:
    """The next poll, long after: every wait is over."""
    IntakeItem.objects.update(next_attempt_at=None)
    links.wake(account.pk)
    return poll_account(account.pk)


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


def test_no_uidvalidity_no_mail(box: Mailbox, account: MailAccount) -> None:
    box.answers["EXAMINE"] = "* 3 EXISTS\r\n{tag} OK done\r\n"
    error = poll_account(account.pk).error
    assert error is not None
    assert "UIDVALIDITY" in error.detail
    assert not IntakeItem.objects.exists()


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


def test_a_refused_folder_leaves_the_others_their_rhythm(
    box: Mailbox, account: MailAccount
) -> None:
    for name in ("Fort", "INBOX", 'Auftr"äge'):
        MailFolder.objects.create(account=account, name=name)
    summary = poll_account(account.pk)
    assert summary.error is not None
    assert summary.error.kind is Kind.FOLDER_MISSING
    check_once(box, {1, 2, 3})
    link = link_of(account)
    assert (link.state, link.next_attempt_at) == (AccountLink.State.FAILING, None)
    AccountLink.objects.update(last_attempt_at=timezone.now() - timedelta(seconds=61))
    assert due_accounts() == [account.pk]


def test_folder_names_are_quoted_and_coded(
    box: Mailbox, account: MailAccount, server: ScriptedServer
) -> None:
    MailFolder.objects.create(account=account, name='Aufträge & "alte" \\ Größen')
    poll_account(account.pk)
    (line,) = [line for line in server.heard if " STATUS " in line]
    name = line.split(" ", 2)[2].rpartition(" (")[0]
    assert name == '"Auftr&AOQ-ge &- \\"alte\\" \\\\ Gr&APYA3w-en"'


def test_three_refused_logins_wait_for_a_person(box: Mailbox, account: MailAccount) -> None:
    box.answers["STATUS"] = drop
    for _ in range(2):
        poll_account(account.pk)
    box.answers = {"AUTHENTICATE": "{tag} NO [AUTHENTICATIONFAILED] no\r\n"}
    found = []
    for _ in range(3):
        poll_account(account.pk)
        found.append(link_of(account).state)
    assert found == ["failing", "failing", "login"], "other trouble does not count as a refusal"
    AccountLink.objects.update(next_attempt_at=None, last_attempt_at=None)
    assert due_accounts() == []


def test_back_off_grows_to_half_an_hour_and_ends_with_the_first_success(
    box: Mailbox, account: MailAccount
) -> None:
    box.answers["STATUS"] = drop
    waits = []
    for _ in range(6):
        before = timezone.now()
        poll_account(account.pk)
        when = link_of(account).next_attempt_at
        assert when is not None
        waits.append(round((when - before) / timedelta(minutes=1)))
        assert due_accounts() == []
    assert waits == [1, 2, 5, 15, 30, 30]
    box.answers.clear()
    poll_account(account.pk)
    assert (link_of(account).failures, link_of(account).next_attempt_at) == (0, None)


def test_ten_thousand_new_messages_come_in_bounded_steps(
    box: Mailbox, server: ScriptedServer, settings: Settings
) -> None:
    """Listed a thousand at a time, over gaps as well; what is before „Ab Datum“ costs no body."""
    settings.SERVER_TIMEOUT = 10
    raw = make_mail(1)
    box.messages = dict.fromkeys((*range(1, 5001), *range(90_001, 95_001)), raw)
    box.dates = dict.fromkeys(box.messages, "01-Jan-2020 00:00:00 +0000")
    account = scripted_account(server)
    account.since_date = timezone.now().date()
    account.save()
    summary = poll_account(account.pk)
    assert (summary.error, summary.counts.excluded) == (None, 10_000)
    assert FolderCursor.objects.get().last_uid == 95_000
    assert box.bodies_asked == []
    searches = [line for line in server.heard if "SEARCH" in line]
    assert len(searches) <= 20
    assert not any(line.endswith(":*") for line in searches[:5])
