"""„E-Mail schreiben“ at the page of an address."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from company.models import Notification
from crm.tell_failures import tell_failures
from mailaccounts.models import AccountLink, MailAccount
from mailcore.parse import parse
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.crm.desk import HTMX, Desk, make_desk, sent
from tests.crm.world import letter_mail
from tests.factories import (
    make_account,
    make_employee,
    make_project,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Desk:
    return make_desk(client)


def test_the_composer_begins_with_person_salutation_greeting_and_signature(desk: Desk) -> None:
    html = desk.client.get(desk.url()).content.decode()
    assert 'value="Hans Huber &lt;hans@huber.example&gt;"' in html
    assert "Sehr geehrter Herr Huber," in html
    assert "Mit freundlichen Grüßen" in html
    assert "Petra Klein, Musterfirma" in html
    other = desk.client.get(f"{desk.url()}?an=info@huber.example").content.decode()
    assert 'value="Huber GmbH &lt;Info@Huber.example&gt;"' in other
    stranger = desk.client.get(f"{desk.url()}?an=boese@woanders.example").content.decode()
    assert "boese@" not in stranger


def test_what_is_sent_stands_in_the_outbox_and_at_once_in_the_timeline(desk: Desk) -> None:
    file = SimpleUploadedFile("Plan.txt", b"Plan")
    html = desk.send(cc="eva@huber.example", bcc="chef@firma.example", uploads=file)
    assert desk.status == 200
    outgoing = sent()
    assert (outgoing.origin, outgoing.address, outgoing.created_by, outgoing.state) == (
        "letter",
        desk.address,
        desk.user,
        "scheduled",
    )
    mail = parse(read_raw(outgoing.message))
    assert mail.subject == "Unser Treffen"
    assert "Sehr geehrter Herr Huber," in mail.text
    assert "Petra Klein, Musterfirma" in mail.text
    assert [one.filename for one in mail.attachments] == ["Plan.txt"]
    assert set(outgoing.recipients.values_list("kind", "email")) == {
        ("to", "hans@huber.example"),
        ("cc", "eva@huber.example"),
        ("bcc", "chef@firma.example"),
    }
    assert "Unser Treffen" in html
    assert "geplant" in html
    assert desk.url("mail_undo", outgoing.pk) in html


def test_a_second_press_sends_nothing_more(desk: Desk) -> None:
    desk.send()
    desk.send()
    assert OutgoingMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"to": ""}, "mail-to"),
        ({"to": "kein-at"}, "mail-to"),
        ({"cc": "a@b.example, kaputt"}, "mail-cc"),
        ({"subject": ""}, "mail-subject"),
        ({"subject": "{UNBEKANNT}"}, "mail-subject"),
        ({"text": "<p><br></p>"}, "mail-text"),
        ({"text": "<p>{UNBEKANNT}</p>"}, "mail-text"),
        ({"sender": "chef@andere.example"}, "mail-sender"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    desk: Desk, values: dict[str, str], field: str
) -> None:
    html = desk.send(**values)
    assert desk.status == 422
    assert f'id="{field}_error"' in html
    assert not OutgoingMessage.objects.exists()
    if "text" not in values:
        assert "bis Donnerstag." in html


def test_a_mail_larger_than_the_server_takes_is_refused_before_it_leaves(desk: Desk) -> None:
    account = MailAccount.objects.get()
    out = AccountLink.Direction.OUTGOING
    AccountLink.objects.create(account=account, direction=out, max_message_size=100_000)
    html = desk.send(uploads=SimpleUploadedFile("gross.bin", bytes(200_000)))
    assert desk.status == 422
    assert 'id="mail-uploads_error"' in html
    assert "nimmt höchstens 97,7" in html
    assert not OutgoingMessage.objects.exists()


def test_the_address_of_a_colleague_s_account_is_refused(desk: Desk) -> None:
    colleague = make_employee("Max", user=make_user("max"))
    make_account("max@firma.example", employees=(colleague,))
    assert "max@firma.example" not in desk.client.get(desk.url()).content.decode()
    html = desk.send(sender="max@firma.example")
    assert desk.status == 422
    assert 'id="mail-sender_error"' in html


def test_the_signature_follows_sender_and_project(desk: Desk) -> None:
    project = make_project(
        "NORD", signature_active=True, signature_html="<p>Ihr Team Nord</p>", greeting="Moin"
    )
    page = f"{desk.url('mail_signature')}?sender=info@firma.example"
    assert "Petra Klein, Musterfirma" in desk.client.get(page).content.decode()
    assert "Ihr Team Nord" in desk.client.get(f"{page}&project={project.pk}").content.decode()
    assert desk.client.get(f"{page}&project=x").status_code == 200
    desk.send(project=str(project.pk), text="<p>{GRUSS}</p>")
    text = parse(read_raw(sent().message)).text
    assert "Moin" in text
    assert "Ihr Team Nord" in text


def test_the_preview_is_the_very_mail_and_sends_nothing(desk: Desk) -> None:
    page = desk.url("mail_preview")
    html = desk.client.post(page, desk.values(), headers=HTMX).content.decode()
    assert "Vorschau der E-Mail" in html
    assert "Sehr geehrter Herr Huber" in html
    wrong = desk.client.post(page, desk.values(subject=""), headers=HTMX)
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#composer-form")
    assert not OutgoingMessage.objects.exists()


def test_undo_brings_text_and_files_back(desk: Desk) -> None:
    desk.send(uploads=SimpleUploadedFile("Plan.txt", b"Plan"), bcc="chef@firma.example")
    outgoing = sent()
    undo = desk.url("mail_undo", outgoing.pk)
    response = desk.client.post(undo, headers=HTMX)
    back = response.headers["HX-Redirect"]
    html = desk.client.get(back).content.decode()
    for kept in ("bis Donnerstag.", "Unser Treffen", "chef@firma.example", "Plan.txt"):
        assert kept in html
    file = re.search(r'name="kept" value="(\d+)" checked', html)
    assert file
    outgoing.refresh_from_db()
    assert outgoing.state == "cancelled"
    desk.send(kept=file[1], once_key="fedcba9876543210")
    again = OutgoingMessage.objects.exclude(pk=outgoing.pk).get()
    assert [one.filename for one in parse(read_raw(again.message)).attachments] == ["Plan.txt"]


def test_nobody_calls_back_the_mail_of_another_or_takes_its_files(desk: Desk) -> None:
    theirs = letter_mail(desk.address, make_account(), created_by=make_user("max"))
    assert desk.client.post(desk.url("mail_undo", theirs.pk)).status_code == 404
    desk.send(uploads=SimpleUploadedFile("Plan.txt", b"Plan"))
    mine = OutgoingMessage.objects.exclude(pk=theirs.pk).get()
    file = mine.message.attachments.get()
    OutgoingMessage.objects.filter(pk=mine.pk).update(created_by=theirs.created_by)
    desk.send(kept=str(file.pk), once_key="fedcba9876543210")
    assert desk.status == 422


def test_a_failure_is_told_to_the_writer_once_for_each_try(desk: Desk) -> None:
    desk.send()
    OutgoingMessage.objects.update(state="failed", error_kind="recipient_refused")
    assert (tell_failures(), tell_failures()) == (1, 0)
    told = Notification.objects.get(user=desk.user)
    assert told.url == reverse("crm:address", args=[desk.address.pk])
    assert "„Unser Treffen“ an hans@huber.example wurde nicht zugestellt" in told.text
    OutgoingMessage.objects.update(state="bounced")
    assert tell_failures() == 1


def test_auditors_and_strangers_do_not_write(desk: Desk) -> None:
    auditor = Client()
    auditor.force_login(make_user("pruefer", role="auditor"))
    for name in ("mail", "mail_signature"):
        assert auditor.get(desk.url(name)).status_code == 403
    assert auditor.post(desk.url(), desk.values()).status_code == 403
    assert Client().post(desk.url(), desk.values()).status_code == 302
    page = auditor.get(desk.url("address")).content.decode()
    assert desk.url("mail") not in page
    assert not OutgoingMessage.objects.exists()
