"""„Eingang“: what was not taken over, for whom, and what can be done about it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from company.models import User
from intake.models import FolderCursor, IntakeItem
from mailaccounts.models import MailAccount, MailFolder
from mailstore.blobs import get_blob, put_blob
from tests.factories import make_account, make_employee, make_user
from tests.intake.mailbox import make_mail

pytestmark = pytest.mark.django_db
State = IntakeItem.State
LIST = "/eingang/"


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user(role="admin")
    client.force_login(user)
    return user


def make_item(account: MailAccount, number: int = 1, **values: Any) -> IntakeItem:
    """A quarantined mail with its bytes, unless told otherwise."""
    folder, _ = MailFolder.objects.get_or_create(account=account, name="INBOX")
    FolderCursor.objects.get_or_create(folder=folder, defaults={"uidvalidity": 7})
    raw = values.pop("raw", None) or make_mail(number, subject=f"<b>Anfrage {number}</b>")
    return IntakeItem.objects.create(
        **{
            "account": account,
            "folder": folder,
            "uidvalidity": 7,
            "uid": number,
            "state": State.QUARANTINED,
            "size": len(raw),
            "internal_date": datetime(2026, 5, 1, 12, tzinfo=UTC),
            "attempts": 3,
            "error": "LookupError: kaputt",
            "blob": put_blob(raw),
            **values,
        }
    )


def untried(account: MailAccount, number: int, state: str) -> IntakeItem:
    blob = put_blob(b"Subject: riesig\r\n\r\n") if state == State.TOO_LARGE else ""
    return make_item(account, number, state=state, attempts=0, error="", blob=blob)


def test_the_tabs_with_their_counts_and_reasons(client: Client, admin: User) -> None:
    account = make_account(since_date=date(2026, 5, 2))
    make_item(account, 1)
    untried(account, 2, State.TOO_LARGE)
    untried(account, 3, State.EXCLUDED)
    untried(account, 4, State.EXCLUDED)
    make_item(account, 5, state=State.DONE)
    response = client.get(LIST)
    assert [(tab.key, tab.count) for tab in response.context["tabs"]] == [
        ("quarantaene", 1),
        ("zu-gross", 1),
        ("vor-ab-datum", 2),
        ("ignoriert", 0),
    ]
    page = response.content.decode()
    assert "&lt;b&gt;Anfrage 1&lt;/b&gt;" in page
    assert "Hans Huber &lt;hans@huber.example&gt;" in page
    assert "Beim Verarbeiten trat dreimal ein Fehler auf." in page
    assert "LookupError" not in page
    large = client.get(LIST, {"ansicht": "zu-gross"}).content.decode()
    assert "riesig" in large
    assert "Größer als die Grenze von" in large
    assert "Trotzdem abrufen" in large
    old = client.get(LIST, {"ansicht": "vor-ab-datum"}).content.decode()
    assert "Vor „Ab Datum“ (02.05.2026) eingegangen." in old


def test_the_same_queries_for_one_and_fifty_rows(client: Client, admin: User) -> None:
    account = make_account()
    make_item(account, 1)
    client.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(LIST)
    for number in range(2, 62):
        make_item(account, number)
    with CaptureQueriesContext(connection) as fifty:
        response = client.get(LIST)
    assert len(response.context["rows"]) == 50
    assert len(fifty) == len(one) <= 15
    assert len(client.get(LIST, {"page": "2"}).context["rows"]) == 11


def test_the_page_of_one_shows_its_header_and_nothing_of_its_body(
    client: Client, admin: User
) -> None:
    item = make_item(make_account(), raw=make_mail(1, text="<script>streng geheim</script>"))
    page = client.get(f"/eingang/nachricht/{item.pk}/").content.decode()
    assert "Message-ID: &lt;mail-1@huber.example&gt;" in page
    assert "streng geheim" not in page
    assert "LookupError: kaputt" in page
    odd = make_item(make_account(), raw=b"Subject: \xff\x00<i>\r\n\r\n")
    assert "&lt;i&gt;" in client.get(f"/eingang/nachricht/{odd.pk}/").content.decode()
    broken = make_item(make_account(), blob="0" * 64)
    page = client.get(f"/eingang/nachricht/{broken.pk}/").content.decode()
    assert "(Betreff unbekannt)" in page


def test_the_original_is_downloaded_byte_for_byte(client: Client, admin: User) -> None:
    raw = make_mail(1)
    item = make_item(make_account(), raw=raw)
    response = client.get(f"/eingang/nachricht/{item.pk}/original.eml")
    assert response.content == raw
    assert f"eingang-{item.pk}.eml" in response["Content-Disposition"]
    only_header = untried(make_account(), 2, State.TOO_LARGE)
    assert client.get(f"/eingang/nachricht/{only_header.pk}/original.eml").status_code == 404
    done = make_item(make_account(), state=State.DONE)
    assert client.get(f"/eingang/nachricht/{done.pk}/").status_code == 404


def test_a_personal_mail_is_listed_but_not_shown_to_admins(client: Client, admin: User) -> None:
    owner = make_user(role="support")
    account = make_account(employees=(make_employee(user=owner),))
    item = make_item(account, raw=make_mail(1, subject="Kündigung"), error="Kündigung kaputt")
    for address in (LIST, f"/eingang/nachricht/{item.pk}/"):
        page = client.get(address).content.decode()
        assert "(Inhalt nur für Berechtigte)" in page
        assert "Kündigung" not in page
        assert "huber.example" not in page
    assert client.get(f"/eingang/nachricht/{item.pk}/original.eml").status_code == 404
    client.force_login(make_user(role="auditor"))
    assert "Kündigung" in client.get(LIST).content.decode()
    assert client.get(f"/eingang/nachricht/{item.pk}/original.eml").status_code == 200


@pytest.mark.parametrize("role", ["staff", "support"])
def test_others_see_nothing(client: Client, role: str) -> None:
    client.force_login(make_user(role=role))
    item = make_item(make_account())
    for address in (
        LIST,
        f"/eingang/nachricht/{item.pk}/",
        reverse("intake:original", args=[item.pk]),
    ):
        assert client.get(address).status_code == 403
    assert client.post("/eingang/aktion/", {"erneut": item.pk}).status_code == 403


def test_auditors_look_but_do_not_act(client: Client) -> None:
    client.force_login(make_user(role="auditor"))
    item = make_item(make_account())
    assert "Erneut versuchen" not in client.get(LIST).content.decode()
    assert client.post("/eingang/aktion/", {"erneut": item.pk}).status_code == 403
    assert client.get("/eingang/aktion/").status_code == 405


def states() -> list[str]:
    return list(IntakeItem.objects.order_by("uid").values_list("state", flat=True))


def test_one_line_and_many_marked(client: Client, admin: User) -> None:
    account = make_account()
    items = [make_item(account, number) for number in range(1, 5)]
    response = client.post("/eingang/aktion/", {"erneut": items[0].pk}, follow=True)
    assert "Eine E-Mail wird jetzt erneut versucht." in response.content.decode()
    marked = [items[1].pk, items[2].pk]
    client.post("/eingang/aktion/", {"ignorieren": "alle", "items": marked})
    assert states() == [State.NOTED, State.IGNORED, State.IGNORED, State.QUARANTINED]
    retried = IntakeItem.objects.get(pk=items[0].pk)
    assert (retried.attempts, retried.error, retried.blob) == (0, "", items[0].blob)
    again = {"erneut": "alle", "items": [one.pk for one in items], "ansicht": "ignoriert"}
    response = client.post("/eingang/aktion/", again, follow=True)
    assert response.context["tab"] == "ignoriert"
    assert "3 E-Mails werden jetzt erneut versucht." in response.content.decode()
    assert "Eine E-Mail blieb, wie sie ist" in response.content.decode()
    assert set(states()) == {State.NOTED}


def test_the_whole_quarantine_is_tried_again(client: Client, admin: User) -> None:
    account = make_account()
    for number in range(1, 4):
        make_item(account, number)
    make_item(account, 4, state=State.IGNORED)
    assert "Alle erneut versuchen" in client.get(LIST).content.decode()
    client.post("/eingang/aktion/", {"erneut": "ansicht", "ansicht": "quarantaene"})
    assert states() == [State.NOTED] * 3 + [State.IGNORED]


def test_thousands_at_once_in_few_statements(client: Client, admin: User) -> None:
    account = make_account()
    first = make_item(account)
    IntakeItem.objects.bulk_create(
        IntakeItem(
            account=account,
            folder=first.folder,
            uidvalidity=first.uidvalidity,
            uid=100 + number,
            state=State.QUARANTINED,
            internal_date=first.internal_date,
            attempts=3,
            blob=first.blob,
        )
        for number in range(2000)
    )
    with CaptureQueriesContext(connection) as queries:
        client.post("/eingang/aktion/", {"erneut": "ansicht", "ansicht": "quarantaene"})
    assert set(states()) == {State.NOTED}
    assert len(queries) < 30


def test_marked_mails_are_exported_byte_for_byte_with_a_list(client: Client) -> None:
    client.force_login(make_user(role="admin"))
    account = make_account(employees=())
    items = [make_item(account, number) for number in (1, 2)]
    left = make_item(account, 3)
    personal = make_item(make_account(employees=(make_employee("Max"),)), 4)
    wanted = {"items": [one.pk for one in (*items, personal)]}
    response = client.post("/eingang/exportieren/", wanted)
    packed = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    names = [f"eingang-{one.pk}.eml" for one in items]
    assert packed.namelist() == [*names, "inhalt.csv"]
    assert [packed.read(name) for name in names] == [get_blob(one.blob) for one in items]
    listed = packed.read("inhalt.csv").decode("utf-8-sig").splitlines()
    assert len(listed) == 3
    assert account.email in listed[1]
    assert states() == [State.QUARANTINED] * 4, "exporting changes nothing"

    client.force_login(make_user(role="auditor"))
    page = client.get(LIST).content.decode()
    assert f'name="items" value="{left.pk}"' in page
    assert "Exportieren" in page
    everything = client.post("/eingang/exportieren/", wanted)
    assert everything.headers["Content-Disposition"].startswith('attachment; filename="eingang-')
    nothing = client.post("/eingang/exportieren/", {}, follow=True)
    assert "Zum Exportieren ist nichts da" in nothing.content.decode()


def test_nonsense_is_answered_with_a_word(client: Client, admin: User) -> None:
    for data in ({}, {"erneut": "alle"}, {"erneut": "x", "page": "-1"}, {"ignorieren": "9" * 30}):
        response = client.post("/eingang/aktion/", data, follow=True)
        assert response.status_code == 200
        assert "alert" in response.content.decode() or "E-Mail" in response.content.decode()


def test_a_mail_of_a_deleted_account_or_an_old_numbering_is_not_retried(
    client: Client, admin: User
) -> None:
    gone = untried(make_account(), 1, State.TOO_LARGE)
    FolderCursor.objects.update(uidvalidity=8)
    deleted = make_account(archived_at=datetime(2026, 1, 1, tzinfo=UTC))
    kept = make_item(deleted, 2)
    client.post("/eingang/aktion/", {"erneut": "alle", "items": [gone.pk, kept.pk]})
    assert states() == [State.TOO_LARGE, State.QUARANTINED]


def test_it_stands_in_the_navigation_and_on_the_system_state(client: Client, admin: User) -> None:
    make_item(make_account())
    untried(make_account(), 1, State.TOO_LARGE)
    page = client.get("/systemzustand/").content.decode()
    assert "1 in Quarantäne, 1 zu groß" in page
    assert page.count('href="/eingang/"') == 2


def test_the_navigation_counts_what_waits_for_a_decision(admin: User, client: Client) -> None:
    account = make_account()
    make_item(account, 1)
    untried(account, 2, State.TOO_LARGE)
    make_item(account, 3, state=State.IGNORED)
    shown = client.get(LIST).context["nav"]
    counts = {item.view: item.count for group in shown for item in group.items}
    assert counts["intake:list"] == 2
    client.force_login(make_user("petra", role="support"))
    counts = {i.view: i.count for group in client.get("/").context["nav"] for i in group.items}
    assert "intake:list" not in counts
