"""What enters the outbox, and what is refused at its door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from mailaccounts.models import MailAccount
from mailcore.errors import InvalidDraft
from mailcore.messages import Mailbox
from mailcore.parse import parse
from mailcore.threading import read_own_message_id
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from mailstore.store import store_message
from outbox.enqueue import forward_unchanged
from outbox.models import OutgoingMessage, Recipient
from tests.factories import make_account
from tests.outbox.outgoing import make_draft, queue

pytestmark = pytest.mark.django_db

EVIL = "Hallo\r\nBcc: alle@opfer.example"


def test_the_same_key_is_queued_once() -> None:
    account = make_account()
    first = queue(account, once_key="klick-1")
    second = queue(account, once_key="klick-1", draft=make_draft(subject="anders"))
    assert second == first
    assert OutgoingMessage.objects.count() == StoredMessage.objects.count() == 1


def test_a_race_for_the_same_key_leaves_one(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    first = queue(account, once_key="klick-1")
    found = OutgoingMessage.objects.filter(pk=first.pk)
    blind = OutgoingMessage.objects.none()
    answers = iter([blind, found])
    monkeypatch.setattr(type(OutgoingMessage.objects), "filter", lambda *_a, **_k: next(answers))
    with transaction.atomic():
        assert queue(account, once_key="klick-1") == first
        monkeypatch.undo()
        assert StoredMessage.objects.count() == 1


def test_the_message_id_is_ours_and_the_date_is_that_of_sending() -> None:
    later = timezone.now() + timedelta(days=3)
    outgoing = queue(make_account(), send_at=later)
    parsed = parse(read_raw(outgoing.message))
    assert read_own_message_id(parsed.message_id, keys=message_id_keys())
    assert parsed.message_id.endswith("@firma.example")
    assert parsed.date == later.replace(microsecond=0)
    assert outgoing.state == OutgoingMessage.State.SCHEDULED
    assert outgoing.next_attempt_at == later


def test_a_moment_in_the_past_is_now() -> None:
    outgoing = queue(make_account(), send_at=timezone.now() - timedelta(days=1))
    assert outgoing.state == OutgoingMessage.State.QUEUED


def test_every_address_stands_in_the_envelope_once() -> None:
    draft = make_draft(
        "Hans@Huber.example", "hans@huber.EXAMPLE", "o'brien@x.ie", "a@mail.sub.example.de"
    )
    outgoing = queue(
        make_account(),
        draft=draft,
        bcc=(Mailbox("", "hans@huber.example"), Mailbox("Still", "still@bücher.example")),
    )
    rows = list(outgoing.recipients.values_list("kind", "email"))
    assert rows == [
        ("to", "Hans@huber.example"),
        ("to", "o'brien@x.ie"),
        ("to", "a@mail.sub.example.de"),
        ("bcc", "still@xn--bcher-kva.example"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"draft": make_draft(subject=EVIL)},
        {"draft": make_draft(from_=Mailbox(EVIL, "support@firma.example"))},
        {"draft": make_draft(from_=Mailbox("", f"support@firma.example{EVIL}"))},
        {"draft": make_draft(f"hans@huber.example>{EVIL}")},
        {"draft": make_draft(cc=(Mailbox(EVIL, "a@b.example"),))},
        {"draft": make_draft(message_id=f"x@y{EVIL}")},
        {"draft": make_draft(in_reply_to=f"x@y{EVIL}")},
        {"draft": make_draft(headers=(("X-Test", EVIL),))},
        {"draft": make_draft(headers=(("Bcc", "a@b.example"),))},
        {"draft": make_draft(to=())},
        {"bcc": (Mailbox("", f"a@b.example{EVIL}"),)},
        {"bcc": (Mailbox("", "keine adresse"),)},
        {"envelope_from": f"a@b.example{EVIL}"},
        {"envelope_from": "zwei@a.example,drei@b.example"},
    ],
)
def test_forged_headers_and_addresses_are_refused_before_anything_is_written(
    values: dict[str, object],
) -> None:
    account = make_account()
    with pytest.raises(InvalidDraft):
        queue(account, **values)
    assert not OutgoingMessage.objects.exists()
    assert not StoredMessage.objects.exists()
    assert not Recipient.objects.exists()


@pytest.mark.parametrize(
    ("account", "keep", "expected"),
    [
        ({"copy_to_sent": True, "imap_host": "imap.firma.example"}, None, "wanted"),
        ({"copy_to_sent": False, "imap_host": "imap.firma.example"}, None, "none"),
        ({"copy_to_sent": False, "imap_host": "imap.firma.example"}, True, "wanted"),
        ({"copy_to_sent": True, "imap_host": "imap.firma.example"}, False, "none"),
        ({"copy_to_sent": True}, None, "none"),
        (
            {"copy_to_sent": True, "imap_host": "imap.gmail.com", "smtp_host": "smtp.gmail.com"},
            True,
            "none",
        ),
    ],
)
def test_whether_a_sent_copy_is_wanted(
    account: dict[str, object], keep: bool | None, expected: str
) -> None:
    outgoing = queue(make_account(**account), keep_sent_copy=keep)  # type: ignore[arg-type]
    assert outgoing.sent_copy == expected


def test_delivery_is_asked_for_after_the_commit(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        "outbox.tasks.deliver_account.apply_async", lambda args, **_: asked.append(args)
    )
    account = make_account()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        queue(account)
        assert asked == []
    assert asked == [(account.pk,)]


def test_a_message_is_forwarded_unchanged() -> None:
    account = make_account()
    raw = b"From: kunde@x.example\r\nSubject: Hallo\r\n\r\nText\r\n"
    message = store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
    )
    first = forward_unchanged(
        message=message, to="archiv@firma.example", account=account, once_key="weiter-1"
    )
    again = forward_unchanged(
        message=message, to="archiv@firma.example", account=account, once_key="weiter-1"
    )
    assert first == again
    assert first.message == message
    assert first.envelope_from == account.from_email
    assert list(first.recipients.values_list("email", flat=True)) == ["archiv@firma.example"]


def test_queueing_costs_few_queries(django_assert_max_num_queries: object) -> None:
    account = make_account()
    with django_assert_max_num_queries(10, connection=connection):  # type: ignore[operator]
        queue(MailAccount.objects.get(pk=account.pk), "a@x.example", "b@x.example")
