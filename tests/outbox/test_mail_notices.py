"""Whoever wants it hears of a failure by mail: once, few mails for many failures, none about itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from company.models import Notification, User
from company.notify import notify
from crm.tell_failures import tell_failures
from documents.settle import settle_dispatches
from mailaccounts.models import AccountLink, MailAccount
from outbox.deliver import deliver_account
from outbox.mail_notices import mail_notices
from outbox.models import OutgoingMessage
from tests.browser_forms import form_values
from tests.crm.world import letter_mail, make_customer
from tests.documents.sending import make_invoice, make_office, send
from tests.factories import make_account, make_employee, make_user
from tests.outbox.outgoing import account_for, fresh
from tests.servers.smtp_sink import Received, Sink

pytestmark = pytest.mark.django_db

REFUSAL = "550 5.1.1 Postfach unbekannt"


@pytest.fixture
def petra() -> User:
    return make_user("petra", first_name="Petra", email="petra@firma.example", mails_failures=True)


def note(user: User, number: int = 1, *, is_failure: bool = True) -> None:
    notify(
        user=user,
        text=lambda: f"Brief {number} wurde nicht zugestellt",
        url=f"/adressen/{number}/",
        once_key=f"n-{number}",
        is_failure=is_failure,
    )


def let_minutes_pass(minutes: int = 1) -> None:
    gone = timezone.now() - timedelta(minutes=minutes, seconds=1)
    Notification.objects.update(created_at=gone)
    User.objects.filter(failure_mail_at__isnull=False).update(failure_mail_at=gone)


def notices() -> list[OutgoingMessage]:
    return list(OutgoingMessage.objects.filter(origin="notice").order_by("pk"))


def read(received: Received) -> tuple[str, str, str]:
    mail = message_from_bytes(received.raw, policy=policy.default)
    assert mail["Auto-Submitted"] == "auto-generated"
    return mail["To"], mail["Subject"], mail.get_content()


def test_the_writer_of_a_refused_letter_hears_of_it_by_mail_once(
    petra: User, smtp_sink: Sink
) -> None:
    account, address = account_for(smtp_sink), make_customer()
    smtp_sink.on_recipient["hans@huber.example"] = REFUSAL
    letter_mail(address, account, created_by=petra)
    deliver_account(account.pk)
    assert tell_failures() == 1
    assert mail_notices() == 0, "it waits a minute for its reader"
    let_minutes_pass()
    assert [mail_notices(), mail_notices()] == [1, 0]
    deliver_account(account.pk)

    (received,) = smtp_sink.received
    assert (received.recipients, received.envelope_from) == (("petra@firma.example",), "")
    to, subject, text = read(received)
    assert "petra@firma.example" in to
    assert subject == "Eine Sendung von Ihnen ist nicht angekommen"
    assert "„Unser Gespräch“ an hans@huber.example wurde nicht zugestellt" in text
    assert "Postfach unbekannt" in text
    assert f"http://localhost:8000/adressen/{address.pk}/" in text
    tell_failures()
    let_minutes_pass(60)
    assert mail_notices() == 0


def test_a_refused_document_is_told_by_mail_too(smtp_sink: Sink) -> None:
    office = make_office(smtp_port=smtp_sink.port)
    User.objects.update(mails_failures=True)
    document = make_invoice()
    smtp_sink.on_recipient["hans@huber.example"] = REFUSAL
    send(office, document)
    deliver_account(office.account.pk)
    settle_dispatches()
    let_minutes_pass()
    assert mail_notices() == 1
    deliver_account(office.account.pk)
    (received,) = smtp_sink.received
    assert str(document) in read(received)[2]


@pytest.mark.parametrize("failing", ["refused", "bounced"])
def test_a_notice_that_fails_is_told_to_nobody(petra: User, smtp_sink: Sink, failing: str) -> None:
    account = account_for(smtp_sink)
    note(petra)
    let_minutes_pass()
    mail_notices()
    (notice,) = notices()
    if failing == "refused":
        smtp_sink.on_recipient["*"] = REFUSAL
    deliver_account(account.pk)
    if failing == "bounced":
        OutgoingMessage.objects.update(state="bounced")
    assert fresh(notice).state in ("failed", "bounced")
    for tell in (tell_failures, settle_dispatches, lambda: let_minutes_pass(60), mail_notices):
        tell()
    assert (len(notices()), Notification.objects.count()) == (1, 1)


def test_a_storm_is_one_mail_and_what_follows_the_next(petra: User, smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    for number in range(500):
        note(petra, number)
    let_minutes_pass()
    assert mail_notices() == 1
    for number in range(500, 503):
        note(petra, number)
    let_minutes_pass()
    assert mail_notices() == 0, "the last one is not a quarter of an hour old"
    let_minutes_pass(15)
    assert mail_notices() == 1
    deliver_account(account.pk)

    storm, rest = (read(received) for received in smtp_sink.received)
    assert storm[1] == "500 Sendungen von Ihnen sind nicht angekommen"
    assert storm[2].count("wurde nicht zugestellt") == 20
    assert "Und 480 weitere: http://localhost:8000/hinweise/" in storm[2]
    assert rest[1] == "3 Sendungen von Ihnen sind nicht angekommen"


def _off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(mails_failures=False)


def _gone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _read(user: User) -> None:
    user.notifications.update(read_at=timezone.now())


@pytest.mark.parametrize("change", [_off, _gone, _read])
def test_nobody_is_bothered_with_what_is_not_wanted(
    petra: User, change: Callable[[User], None]
) -> None:
    make_account()
    note(petra)
    change(petra)
    let_minutes_pass()
    assert mail_notices() == 0
    User.objects.update(mails_failures=True, is_active=True)
    assert mail_notices() == 0, "old news is not told later"


def test_by_default_and_for_other_news_there_is_no_mail(petra: User) -> None:
    make_account()
    note(make_user("karl", email="karl@firma.example"))
    note(petra, is_failure=False)
    let_minutes_pass()
    assert mail_notices() == 0


def test_the_account_that_fails_is_not_asked_to_tell(petra: User) -> None:
    failing = make_account("standard@firma.example", is_default=True)
    make_account("eigen@firma.example", employees=(make_employee(),))
    AccountLink.objects.create(account=failing, direction="out", state="login")
    note(petra)
    let_minutes_pass()
    assert mail_notices() == 0
    other = make_account("bote@firma.example")
    assert mail_notices() == 1
    assert notices()[0].account == other


def test_a_notice_is_seen_by_its_reader_alone(client: Client, petra: User) -> None:
    make_account()
    note(petra)
    let_minutes_pass()
    mail_notices()
    client.force_login(make_user("chefin", role="admin"))
    (notice,) = notices()
    assert client.get(f"/postausgang/{notice.pk}/").status_code == 404
    assert "notice" in OutgoingMessage.NOT_ARCHIVED


def test_who_looked_before_another_wrote_writes_nothing(
    petra: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found the user; one has written when the other comes to it, and there is a new note."""
    account = make_account()
    note(petra)
    let_minutes_pass()
    written: list[int] = []

    def write_first() -> MailAccount:
        monkeypatch.undo()
        written.append(mail_notices())
        note(petra, 2)
        Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        return account

    monkeypatch.setattr("outbox.mail_notices.choose_messenger", write_first)
    assert (mail_notices(), written) == (0, [1])
    assert len(notices()) == 1
    let_minutes_pass(15)
    assert mail_notices() == 1, "the new note waits for its quarter of an hour"


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_write_one_mail(petra: User) -> None:
    make_account()
    note(petra)
    let_minutes_pass()

    def run() -> int:
        try:
            return mail_notices()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = [future.result(30) for future in [pool.submit(run) for _ in range(4)]]
    assert (sum(counts), len(notices())) == (1, 1)


def test_it_is_switched_on_in_the_personal_settings(client: Client) -> None:
    user = make_user("karl", email="")
    client.force_login(user)
    values: dict[str, object] = {**form_values(client.get("/persoenlich/")), "mails_failures": "on"}
    refused = client.post("/persoenlich/", values)
    assert refused.status_code == 422
    assert "Tragen Sie dafür oben Ihre E-Mail-Adresse ein." in refused.content.decode()
    assert client.post("/persoenlich/", values | {"email": "karl@firma.example"}).status_code == 302
    user.refresh_from_db()
    assert user.mails_failures
