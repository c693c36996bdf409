"""Polling servers whose answers are odd, refused, broken or endless: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import Settings

from intake.models import FolderCursor, IntakeItem
from intake.poll import poll_account
from mailaccounts.models import AccountLink, MailAccount, MailFolder
from mailcore.errors import Kind
from tests.intake.mailbox import make_mail
from tests.intake.misbehaving import check_once, link_of, scripted_account
from tests.servers.scripted import Answer, Peer, ScriptedServer, drop, say_and_drop, silence
from tests.servers.scripted_mailbox import Mailbox

pytestmark = pytest.mark.django_db


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


def test_no_uidvalidity_no_mail(box: Mailbox, account: MailAccount) -> None:
    box.answers["EXAMINE"] = "* 3 EXISTS\r\n{tag} OK done\r\n"
    error = poll_account(account.pk).error
    assert error is not None
    assert "UIDVALIDITY" in error.detail
    assert not IntakeItem.objects.exists()


def test_folder_names_are_quoted_and_coded(
    box: Mailbox, account: MailAccount, server: ScriptedServer
) -> None:
    MailFolder.objects.create(account=account, name='Aufträge & "alte" \\ Größen')
    poll_account(account.pk)
    (line,) = [line for line in server.heard if " STATUS " in line]
    name = line.split(" ", 2)[2].rpartition(" (")[0]
    assert name == '"Auftr&AOQ-ge &- \\"alte\\" \\\\ Gr&APYA3w-en"'


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
