"""„E-Mail-Archiv“: who finds and sees what, and what is recorded of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from archive.add import add
from archive.delete_expired import delete_expired
from archive.models import ArchiveAccess, ArchiveEntry
from company.models import User
from mailaccounts.models import MailAccount
from mailstore.models import StoredMessage
from mailstore.store import store_message
from tests.factories import make_account, make_employee, make_ticket, make_user
from tests.intake.mailbox import make_mail
from tests.outbox.outgoing import make_draft, queue
from tickets.models import TicketMessage

pytestmark = pytest.mark.django_db

IN, OUT = StoredMessage.Direction.INCOMING, StoredMessage.Direction.OUTGOING
NOW = timezone.now()


def put(
    raw: bytes,
    *,
    account: MailAccount | None = None,
    when: datetime = NOW,
    direction: StoredMessage.Direction = IN,
) -> ArchiveEntry:
    account = account or make_account(archive_enabled=True)
    message = store_message(raw, direction=direction, received_at=when)
    entry = add(account=account, message=message, direction=direction, mail_date=when)
    assert entry is not None
    return entry


def signed_in(role: str = "staff") -> tuple[Client, User]:
    user = make_user(role=role)
    client = Client()
    client.force_login(user)
    return client, user


def get(client: Client, name: str, *args: object, **query: str) -> tuple[int, str]:
    response = client.get(reverse(f"archive:{name}", args=args), query)
    return response.status_code, response.content.decode()


def with_file() -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "eva@maier.example", "info@firma.example"
    message["Subject"], message["Message-ID"] = "Mit Datei", "<datei@maier.example>"
    message.set_content("Anbei das Angebot.")
    message.add_alternative("<p>Anbei <b>das</b> Angebot.</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Angebot.pdf")
    return message.as_bytes()


@pytest.fixture
def mails() -> dict[str, ArchiveEntry]:
    account = make_account("erster@firma.example", archive_enabled=True)
    other = make_account("zweiter@firma.example", archive_enabled=True)
    return {
        "huber": put(
            make_mail(1, subject="Größere Lieferung", text="Der Dübel fehlt."),
            account=account,
            when=datetime(2026, 3, 10, 23, 30, tzinfo=timezone.get_current_timezone()),
        ),
        "datei": put(
            with_file(),
            account=other,
            when=datetime(2026, 3, 11, 0, 30, tzinfo=timezone.get_current_timezone()),
        ),
        "antwort": put(
            make_mail(3, sender="erster@firma.example", to="Hans Huber <hans@huber.example>"),
            account=account,
            direction=OUT,
            when=datetime(2026, 3, 12, 12, 0, tzinfo=timezone.get_current_timezone()),
        ),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["antwort", "datei", "huber"]),
        ({"q": "DÜBEL"}, ["huber"]),
        ({"q": "grossere"}, ["huber"]),
        ({"q": "hans@huber.example"}, ["antwort", "huber"]),
        ({"q": "angebot.pdf"}, ["datei"]),
        ({"von": "huber"}, ["huber"]),
        ({"an": "huber"}, ["antwort"]),
        ({"betreff": "lieferung"}, ["huber"]),
        ({"betreff": "dübel"}, []),
        ({"richtung": "out"}, ["antwort"]),
        ({"anhang": "on"}, ["datei"]),
        ({"ab": "2026-03-11"}, ["antwort", "datei"]),
        ({"bis": "2026-03-10"}, ["huber"]),
        ({"ab": "11.03.2026", "bis": "11.03.2026"}, ["datei"]),
        ({"q": "huber", "richtung": "in", "ab": "2026-03-01"}, ["huber"]),
        ({"q": "gibtsnicht"}, []),
        ({"account": "999999"}, ["antwort", "datei", "huber"]),
    ],
)
def test_the_search_finds(
    mails: dict[str, ArchiveEntry], query: dict[str, str], expected: list[str]
) -> None:
    client, _ = signed_in()
    rows = client.get(reverse("archive:list"), query).context["rows"]
    by_key = {entry.pk: name for name, entry in mails.items()}
    assert [by_key[row.pk] for row in rows] == expected


def test_the_list_narrows_to_an_account(mails: dict[str, ArchiveEntry]) -> None:
    client, _ = signed_in()
    account = mails["datei"].account_id
    rows = client.get(reverse("archive:list"), {"account": str(account)}).context["rows"]
    assert [row.pk for row in rows] == [mails["datei"].pk]


def test_an_unreadable_day_is_said_to_be_one(mails: dict[str, ArchiveEntry]) -> None:
    client, _ = signed_in()
    _, html = get(client, "list", ab="gestern")
    assert 'aria-invalid="true"' in html
    assert '<details class="fold" open' in html


def test_hits_are_marked_and_nothing_else_is_html() -> None:
    put(make_mail(subject="<b>Müller</b> & Söhne", text="x " * 400 + "Straße <i>7</i> Ende"))
    client, _ = signed_in()
    _, html = get(client, "list", q="muller strasse")
    assert "&lt;b&gt;<mark>Müller</mark>&lt;/b&gt; &amp; Söhne" in html
    assert "<mark>Straße</mark> &lt;i&gt;7&lt;/i&gt;" in html


def test_mail_of_personal_accounts_does_not_exist_for_others() -> None:
    petra, admin, auditor = make_user(), make_user(role="admin"), make_user(role="auditor")
    account = make_account(archive_enabled=True, employees=(make_employee(user=petra),))
    entry = put(with_file(), account=account)
    assert entry.message is not None
    file = entry.message.attachments.get()
    for user, may_see in ((petra, True), (auditor, True), (admin, False)):
        client = Client()
        client.force_login(user)
        assert ("Mit Datei" in get(client, "list")[1]) is may_see
        assert ("Mit Datei" in get(client, "list", q="angebot")[1]) is may_see
        expected = 200 if may_see else 404
        for name in ("detail", "frame", "headers", "original"):
            assert get(client, name, entry.pk)[0] == expected
        for name in ("attachment", "preview"):
            assert get(client, name, entry.pk, file.pk)[0] == expected


def test_files_of_other_messages_are_not_handed_out() -> None:
    entry, other = put(with_file()), put(make_mail())
    assert entry.message is not None
    file = entry.message.attachments.get()
    client, _ = signed_in()
    assert get(client, "attachment", other.pk, file.pk)[0] == 404


def test_nobody_signed_in_sees_nothing() -> None:
    entry = put(make_mail())
    for url in (reverse("archive:list"), reverse("archive:original", args=[entry.pk])):
        assert Client().get(url).status_code == 302


@pytest.mark.parametrize("query", [{}, {"q": "anfrage"}])
def test_the_list_costs_the_same_for_one_row_and_fifty(query: dict[str, str]) -> None:
    client, _ = signed_in()
    account = make_account(archive_enabled=True)
    put(make_mail(0), account=account)
    url = reverse("archive:list")
    client.get(url, query)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(url, query)
    for number in range(1, 50):
        put(make_mail(number), account=account, when=NOW + timedelta(seconds=number))
    with CaptureQueriesContext(connection) as fifty:
        response = client.get(url, query)
    assert len(response.context["rows"]) == 50
    assert len(one) == len(fifty) <= 15


def test_pages_follow_each_other_newest_first() -> None:
    client, _ = signed_in()
    account = make_account(archive_enabled=True)
    for number in range(60):
        put(make_mail(number), account=account, when=NOW + timedelta(seconds=number))
    first = client.get(reverse("archive:list"), {"q": "anfrage"})
    assert "?q=anfrage&amp;page=2" in first.content.decode()
    second = client.get(reverse("archive:list"), {"q": "anfrage", "page": "2"})
    whens = [row.when for response in (first, second) for row in response.context["rows"]]
    assert whens == sorted(whens, reverse=True)
    assert len(whens) == 60


def test_the_page_of_a_message_shows_it_safely() -> None:
    raw = with_file()
    entry = put(raw)
    client, _ = signed_in()
    status, html = get(client, "detail", entry.pk)
    assert status == 200
    for text in ("Mit Datei", "eva@maier.example", "Angebot.pdf", entry.sha256, "<iframe"):
        assert text in html
    response = client.get(reverse("archive:frame", args=[entry.pk]))
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert client.get(reverse("archive:original", args=[entry.pk])).content == raw
    assert "datei@maier.example" in get(client, "headers", entry.pk)[1]


def test_links_lead_to_the_ticket_and_the_outbox_where_the_user_may_see_them() -> None:
    petra = make_user()
    shared = make_account(archive_enabled=True)
    personal = make_account(archive_enabled=True, employees=(make_employee(user=petra),))
    entry = put(make_mail(1), account=shared)
    for account in (shared, personal):
        ticket = make_ticket(account=account, subject=f"Sache {account.pk}")
        TicketMessage.objects.create(
            ticket=ticket, kind="in", account=account, message=entry.message, created_at=NOW
        )
    client, _ = signed_in()
    html = get(client, "detail", entry.pk)[1]
    assert f"Sache {shared.pk}" in html
    assert f"Sache {personal.pk}" not in html

    outgoing = queue(shared, draft=make_draft(subject="Antwort"))
    sent = add(account=shared, message=outgoing.message, direction=OUT, mail_date=NOW)
    assert sent is not None
    html = get(client, "detail", sent.pk)[1]
    assert reverse("outbox:detail", args=[outgoing.pk]) in html


def test_a_tombstone_says_when_and_after_how_many_days() -> None:
    account = make_account(archive_enabled=True, archive_days=30)
    entry = put(with_file(), account=account, when=NOW - timedelta(days=40))
    client, _ = signed_in()
    delete_expired()
    today = timezone.localdate()
    status, html = get(client, "list")
    assert f"gelöscht am {today:%d.%m.%Y} nach 30 Tagen" in html
    assert "Mit Datei" not in html
    assert get(client, "list", q="angebot")[1].count(f"/archiv/{entry.pk}/") == 0
    status, html = get(client, "detail", entry.pk)
    assert (status, "30 Tage lang" in html) == (200, True)
    for name in ("frame", "headers", "original"):
        assert get(client, name, entry.pk)[0] == 404


def test_searching_looking_and_taking_out_are_recorded() -> None:
    entry = put(with_file())
    assert entry.message is not None
    file = entry.message.attachments.get()
    client, user = signed_in()
    user.language = "en"  # the record has one language
    user.save()
    get(client, "list")
    get(client, "list", q="angebot", von="maier", ab="2026-01-05", anhang="on")
    for name in ("detail", "frame", "headers"):
        get(client, name, entry.pk)
    get(client, "attachment", entry.pk, file.pk)
    get(client, "original", entry.pk)
    recorded = ArchiveAccess.objects.order_by("pk").values_list("action", "entry", "details")
    assert list(recorded) == [
        (
            "search",
            None,
            "Suchen: angebot · Absender: maier · Von Tag: 05.01.2026 · nur mit Anhang: ja",
        ),
        ("view", entry.pk, ""),
        ("download", entry.pk, "Angebot.pdf"),
        ("download", entry.pk, "E-Mail (.eml)"),
    ]
    user.delete()
    assert ArchiveAccess.objects.filter(user=None, user_name=str(user)).count() == 4


def test_a_sender_whose_name_is_another_address_is_listed_by_his_own() -> None:
    put(make_mail(1, sender='"chef@firma.example" <fremd@woanders.example>'))
    html = get(signed_in()[0], "list")[1]
    assert ("fremd@woanders.example" in html, "chef@firma.example" in html) == (True, False)


def test_a_frame_opened_by_itself_is_a_look_too() -> None:
    entry = put(with_file())
    client, user = signed_in()
    get(client, "frame", entry.pk)
    assert ArchiveAccess.objects.get().action == "view"
    ArchiveAccess.objects.update(at=NOW - timedelta(hours=1))
    get(client, "detail", entry.pk)
    assert ArchiveAccess.objects.filter(user=user).count() == 2


@pytest.mark.parametrize(
    ("role", "expected"), [("admin", 200), ("auditor", 200), ("staff", 403), ("support", 403)]
)
def test_accesses_are_for_auditors_and_admins(role: str, expected: int) -> None:
    client, _ = signed_in(role)
    assert get(client, "accesses")[0] == expected
    assert (reverse("archive:accesses") in get(client, "list")[1]) is (expected == 200)


def test_the_accesses_hide_personal_mail_from_admins() -> None:
    petra = make_user()
    personal = make_account(archive_enabled=True, employees=(make_employee(user=petra),))
    entry = put(with_file(), account=personal)
    client = Client()
    client.force_login(petra)
    get(client, "original", entry.pk)
    for role, may_see in (("admin", False), ("auditor", True)):
        html = get(signed_in(role)[0], "accesses", art="download")[1]
        assert "heruntergeladen" in html
        assert str(petra) in html
        assert ("Mit Datei" in html) is may_see


def test_the_accesses_cost_the_same_for_one_row_and_fifty() -> None:
    client, user = signed_in("admin")
    entry = put(make_mail())
    ArchiveAccess.objects.create(user=user, user_name="x", action="view", entry=entry)
    get(client, "accesses")
    with CaptureQueriesContext(connection) as one:
        get(client, "accesses")
    for number in range(50):
        other = put(make_mail(number + 10), account=entry.account)
        ArchiveAccess.objects.create(user=user, user_name="x", action="view", entry=other)
    with CaptureQueriesContext(connection) as fifty:
        get(client, "accesses")
    assert len(one) == len(fifty) <= 15
