"""„Postausgang“: who sees what, what the buttons do, and how the page follows the state."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from company.models import User
from mailaccounts.models import MailAccount
from mailcore.messages import FilePart
from outbox.deliver import deliver_account
from outbox.models import OutgoingMessage
from tests.factories import make_account, make_employee, make_user
from tests.outbox.outgoing import account_for, fresh, make_draft, queue
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


def signed_in(role: str = "staff") -> tuple[Client, User]:
    user = make_user(role=role)
    client = Client()
    client.force_login(user)
    return client, user


def page(client: Client, name: str, *args: object, **query: str) -> tuple[int, str]:
    response = client.get(reverse(f"outbox:{name}", args=args), query)
    return response.status_code, response.content.decode()


def test_the_list_shows_subject_recipient_account_and_state(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink, description="Support-Postfach")
    queue(account, draft=make_draft(subject="Ihre Rechnung"))
    smtp_sink.on_body = "554 5.7.1 <b>Spam</b>"
    deliver_account(account.pk)
    client, _ = signed_in()
    status, html = page(client, "list")
    assert status == 200
    for text in ("Ihre Rechnung", "hans@huber.example", "Support-Postfach", "fehlgeschlagen"):
        assert text in html
    assert "&lt;b&gt;Spam" in html
    assert "<b>Spam" not in html


def test_mail_of_personal_accounts_does_not_exist_for_others() -> None:
    petra, admin = make_user(), make_user(role="admin")
    auditor = make_user(role="auditor")
    account = make_account("petra@firma.example", employees=(make_employee(user=petra),))
    outgoing = queue(account, draft=make_draft(subject="Gehaltsabrechnung"))
    for user, may_see in ((petra, True), (auditor, True), (admin, False)):
        client = Client()
        client.force_login(user)
        assert ("Gehaltsabrechnung" in page(client, "list")[1]) is may_see
        for name in ("detail", "state", "original"):
            assert page(client, name, outgoing.pk)[0] == (200 if may_see else 404)
        assert page(client, "frame", outgoing.pk)[0] == (200 if may_see else 404)


def test_nobody_acts_on_mail_of_foreign_accounts() -> None:
    account = make_account(employees=(make_employee(user=make_user()),))
    outgoing = queue(account)
    client, _ = signed_in("admin")
    for name in ("retry", "cancel", "mark_sent", "retry_copy"):
        assert client.post(reverse(f"outbox:{name}", args=[outgoing.pk])).status_code == 404
    assert fresh(outgoing).state == State.QUEUED


def test_an_auditor_sees_and_does_not_act() -> None:
    outgoing = queue(make_account())
    client, _ = signed_in("auditor")
    _, html = page(client, "detail", outgoing.pk)
    assert "Abbrechen" not in html
    for name in ("retry", "cancel", "mark_sent", "retry_copy"):
        assert client.post(reverse(f"outbox:{name}", args=[outgoing.pk])).status_code == 403
        assert client.get(reverse(f"outbox:{name}", args=[outgoing.pk])).status_code == 405
    assert fresh(outgoing).state == State.QUEUED


def test_a_visitor_is_sent_to_the_login() -> None:
    outgoing = queue(make_account())
    assert page(Client(), "detail", outgoing.pk)[0] == 302


def test_cancelling(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account, send_at=timezone.now() + timedelta(hours=1))
    client, _ = signed_in()
    assert "Abbrechen" in page(client, "detail", outgoing.pk)[1]
    response = client.post(reverse("outbox:cancel", args=[outgoing.pk]), follow=True)
    assert "wird nicht gesendet" in response.content.decode()
    assert fresh(outgoing).state == State.CANCELLED
    again = client.post(reverse("outbox:cancel", args=[outgoing.pk]), follow=True)
    assert "inzwischen geändert" in again.content.decode()


def test_sending_again_after_a_failure(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    smtp_sink.on_recipient = {"*": "550 5.1.1 unbekannt"}
    deliver_account(account.pk)
    client, _ = signed_in()
    html = page(client, "detail", outgoing.pk)[1]
    assert "550 5.1.1 unbekannt" in html
    assert "nimmt den Empfänger nicht an" in html
    client.post(reverse("outbox:retry", args=[outgoing.pk]))
    assert fresh(outgoing).state == State.QUEUED
    smtp_sink.reset()
    assert deliver_account(account.pk).sent == 1


def test_an_uncertain_message_offers_both_decisions(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    smtp_sink.drop_on = "body"
    deliver_account(account.pk)
    client, _ = signed_in()
    html = page(client, "detail", outgoing.pk)[1]
    assert "Als gesendet markieren" in html
    assert "Erneut senden" in html
    assert "ein zweites Mal" in html
    client.post(reverse("outbox:mark_sent", args=[outgoing.pk]))
    assert fresh(outgoing).state == State.SENT


def test_the_state_is_fetched_anew_only_when_it_changed(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    client, _ = signed_in()
    url = reverse("outbox:state", args=[outgoing.pk])
    html = page(client, "detail", outgoing.pk)[1]
    stand = html.partition(f'data-poll="{url}?stand=')[2].partition('"')[0]
    assert stand
    assert client.get(url, {"stand": stand}).status_code == 204
    deliver_account(account.pk)
    changed = client.get(url, {"stand": stand})
    assert changed.status_code == 200
    assert "gesendet" in changed.content.decode()
    assert "data-poll" not in changed.content.decode()


def test_the_rows_are_fetched_anew_only_when_they_changed(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    queue(account)
    client, _ = signed_in()
    html = page(client, "list")[1]
    url = html.partition('data-poll="')[2].partition('"')[0].replace("&amp;", "&")
    assert client.get(url).status_code == 204
    deliver_account(account.pk)
    rows = client.get(url).content.decode()
    assert rows.startswith("<tbody")
    assert "gesendet" in rows


def test_filters_and_search(smtp_sink: Sink) -> None:
    support = account_for(smtp_sink)
    sales = account_for(smtp_sink, "vertrieb@firma.example")
    queue(support, draft=make_draft("anna@kunde.example", subject="Angebot Müller"))
    queue(sales, draft=make_draft("bernd@kunde.example", subject="Rechnung Meier"))
    deliver_account(support.pk)
    client, _ = signed_in()
    cases = [
        ({"q": "mueller"}, False, False),
        ({"q": "muller"}, True, False),
        ({"q": "bernd@"}, False, True),
        ({"zustand": "sent"}, True, False),
        ({"zustand": "unterwegs"}, False, True),
        ({"zustand": "probleme"}, False, False),
        ({"zustand": "quatsch"}, True, True),
        ({"account": str(sales.pk)}, False, True),
        ({"account": "999999"}, True, True),
        ({"q": "rechnung", "account": str(support.pk)}, False, False),
    ]
    for query, first, second in cases:
        html = page(client, "list", **query)[1]
        assert (("Angebot Müller" in html), ("Rechnung Meier" in html)) == (first, second), query


def test_the_original_is_the_sent_message(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account)
    deliver_account(account.pk)
    client, _ = signed_in()
    response = client.get(reverse("outbox:original", args=[outgoing.pk]))
    assert response.content == smtp_sink.received[0].raw
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_html_mail_is_framed_and_files_are_downloads() -> None:
    draft = make_draft(
        html="<p>Hallo</p><script>alert(1)</script>",
        files=(FilePart("Liste.csv", "text/csv", b"a;b"),),
    )
    outgoing = queue(make_account(), draft=draft)
    client, _ = signed_in()
    html = page(client, "detail", outgoing.pk)[1]
    assert 'sandbox="allow-same-origin' in html
    frame = client.get(reverse("outbox:frame", args=[outgoing.pk]))
    assert "alert(1)" not in frame.content.decode()
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    file = outgoing.message.attachments.get(filename="Liste.csv")
    download = client.get(reverse("outbox:attachment", args=[outgoing.pk, file.pk]))
    assert download.content == b"a;b"
    other = queue(make_account("x@firma.example"))
    assert page(client, "attachment", other.pk, file.pk)[0] == 404


def test_a_waiting_message_says_what_it_waits_for() -> None:
    account = make_account(smtp_auth="password", password="falsch")
    outgoing = queue(account)
    client, _ = signed_in()
    assert "Wird gleich gesendet" in page(client, "detail", outgoing.pk)[1]
    MailAccount.objects.filter(pk=account.pk).update(paused_at=timezone.now())
    assert "ist pausiert" in page(client, "detail", outgoing.pk)[1]


def test_the_list_needs_as_many_queries_for_fifty_rows_as_for_one() -> None:
    account = make_account()
    client, _ = signed_in()
    queue(account)
    page(client, "list")
    with CaptureQueriesContext(connection) as one:
        page(client, "list")
    for _ in range(49):
        queue(account, "a@x.example", "b@x.example")
    with CaptureQueriesContext(connection) as fifty:
        page(client, "list")
    assert len(fifty) == len(one) <= 15


def test_a_scheduled_message_goes_at_once_if_wanted(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    outgoing = queue(account, send_at=timezone.now() + timedelta(days=1))
    client, _ = signed_in()
    html = page(client, "detail", outgoing.pk)[1]
    assert "Jetzt senden" in html
    client.post(reverse("outbox:send_now", args=[outgoing.pk]))
    assert deliver_account(account.pk).sent == 1
    again = client.post(reverse("outbox:send_now", args=[outgoing.pk]), follow=True)
    assert "inzwischen geändert" in again.content.decode()


def test_several_at_once(smtp_sink: Sink) -> None:
    account = account_for(smtp_sink)
    failed, other, lost = queue(account), queue(account), queue(account)
    foreign = queue(make_account(employees=(make_employee(user=make_user()),)))
    OutgoingMessage.objects.filter(pk__in=[failed.pk, foreign.pk]).update(
        state=State.FAILED, next_attempt_at=None
    )
    OutgoingMessage.objects.filter(pk=lost.pk).update(state=State.UNCERTAIN)
    client, _ = signed_in()
    assert f'value="{failed.pk}" form="bulk"' in page(client, "list")[1]
    marked = {"pk": [failed.pk, lost.pk, foreign.pk, "x"], "zurueck": "zustand=probleme"}
    response = client.post(reverse("outbox:act_on_many"), {**marked, "tun": "erneut"}, follow=True)
    assert response.redirect_chain[0][0].endswith("?zustand=probleme")
    html = response.content.decode()
    assert "1 E-Mail wird erneut gesendet." in html
    assert "Bei 1 E-Mail geht das in ihrem Zustand nicht." in html
    assert [fresh(one).state for one in (failed, lost, foreign)] == [
        State.QUEUED,
        State.UNCERTAIN,  # that is decided one by one
        State.FAILED,
    ]
    both = {"pk": [failed.pk, other.pk], "tun": "abbrechen"}
    response = client.post(reverse("outbox:act_on_many"), both, follow=True)
    assert "2 E-Mails werden nicht gesendet." in response.content.decode()
    empty = client.post(reverse("outbox:act_on_many"), {"tun": "erneut"}, follow=True)
    assert "Markieren Sie zuerst" in empty.content.decode()


def test_a_message_written_anew_and_the_old_one_point_at_each_other() -> None:
    account = make_account()
    old = queue(account, draft=make_draft(subject="Mit Tippfehler"))
    new = queue(account, draft=make_draft(subject="Ohne Tippfehler"), replaces=old)
    client, _ = signed_in()
    assert reverse("outbox:detail", args=[new.pk]) in page(client, "detail", old.pk)[1]
    assert reverse("outbox:detail", args=[old.pk]) in page(client, "detail", new.pk)[1]
